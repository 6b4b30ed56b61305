// One line of a room: a message in its bubble, or what happened.

import { L_, _, clock } from "../i18n.js";
import { splitMessage } from "../parts.js";
import { colourOf } from "../text.js";
import { avatar } from "./avatar.js";
import { button, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} Doer
 * @property {(entry: Chat.Entry, button: HTMLElement, at?: { x: number, y: number }) => void} openMenu
 * @property {(entry: Chat.Entry) => void} sayAgain
 */

/**
 * Draw a line; its text comes first for screen readers, whatever stands where.
 *
 * @param {Chat.Entry} entry
 * @param {string} ownName
 * @param {Doer} doer
 */
export function drawLine(entry, ownName, doer) {
  const isSaid = entry.kind === "message" || entry.kind === "own";
  return isSaid ? drawMessage(entry, ownName, doer) : h("p", { class: `line ${entry.kind}`, tabindex: "-1" },
    h("span", { text: entry.text }), " ", h("time", { datetime: new Date(entry.at).toISOString(), text: clock(entry.at) }));
}

/**
 * @param {Chat.Entry} entry
 * @param {string} ownName
 * @param {Doer} doer
 */
function drawMessage(entry, ownName, doer) {
  const more = iconButton(_("Menu"), icon("more"), () => doer.openMenu(entry, more), { tabindex: "-1", "aria-haspopup": "menu" });
  const time = new Date(entry.at);
  const made = h("article", { class: `line ${entry.kind} ${entry.mention ? "mentioned" : ""}`, tabindex: "-1", on: {
    contextmenu: (/** @type {MouseEvent} */ event) => {
      if (event.target instanceof HTMLAnchorElement || String(getSelection())) return; // the browser's own menu is better there
      event.preventDefault();
      doer.openMenu(entry, made, event.detail || event.clientX ? { x: event.clientX, y: event.clientY } : undefined);
    },
  } },
    entry.from && entry.kind === "message" && avatar(entry.from),
    h("span", { class: `name colour${colourOf(entry.from)}`, text: entry.from }),
    h("div", { class: "bubble", dir: "auto" }, ...drawText(entry.text, entry.kind === "own" ? "" : ownName)),
    h("time", { datetime: time.toISOString(), title: time.toLocaleString(), text: clock(entry.at) }),
    drawState(entry, doer),
    more);
  return made;
}

/**
 * @param {string} text
 * @param {string} ownName
 */
function drawText(text, ownName) {
  return splitMessage(text, ownName).map((part) => {
    switch (part.look) {
      case "link":
        return h("a", { href: part.text, target: "_blank", rel: "noopener noreferrer", text: part.text });
      case "code":
        return h("code", { text: part.text });
      case "block":
        return h("pre", { tabindex: "0", text: part.text });
      case "quote":
        return h("blockquote", { dir: "auto", text: part.text });
      case "mention":
        return h("mark", { text: part.text });
      default:
        return part.text;
    }
  });
}

/**
 * @param {Chat.Entry} entry
 * @param {Doer} doer
 */
function drawState(entry, doer) {
  if (entry.kind !== "own") return null;
  if (entry.state === "lost") {
    const told = [_("Not delivered"), entry.why && `(${entry.why})`].filter(Boolean).join(" ");
    return h("span", { class: "state lost" }, told, " ", button(() => doer.sayAgain(entry), {}, L_("&Send again")));
  }
  const isTaken = entry.state !== "sending";
  const words = isTaken ? _("Taken by the relay") : _("Being sent");
  return h("span", { class: `state ${isTaken ? "taken" : "sending"}`, role: "img", "aria-label": words, title: words });
}
