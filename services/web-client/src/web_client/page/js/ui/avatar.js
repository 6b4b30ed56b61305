// What stands for a person or a room: the first letter of the name, in the name's colour.

import { colourOf, initial } from "../text.js";
import { h } from "./dom.js";

/**
 * @param {string} name
 * @param {string} [shape] "round" for people, "square" for rooms
 */
export const avatar = (name, shape = "round") =>
  h("span", { class: `avatar ${shape} colour${colourOf(name)}`, "aria-hidden": "true", text: initial(name) });
