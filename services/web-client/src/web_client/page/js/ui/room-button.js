// A room in a list: its letter, its name, and a line below.

import { avatar } from "./avatar.js";
import { button, h } from "./dom.js";

/**
 * @param {string} room
 * @param {string} below
 * @param {() => void} press
 * @param {...(Node | null | undefined | false)} marks what stands behind them
 */
export const roomButton = (room, below, press, ...marks) =>
  button(press, { class: "room" }, avatar(room, "square"),
    h("span", { class: "names" }, h("bdi", { class: "name", text: room }), h("bdi", { class: "below", text: below })), ...marks);
