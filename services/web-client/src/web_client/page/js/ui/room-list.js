// The rooms one is in: what was said last, and how much is unread.

import { _, ngettext } from "../i18n.js";
import { h, iconButton, once } from "./dom.js";
import { icon } from "./icons.js";
import { roomButton } from "./room-button.js";

/** Lists rooms; dispatches "choose" with a room, and "new". */
export class RoomList extends HTMLElement {
  #rooms = h("ul");
  #plan = once(() => this.#draw());
  /** @type {import("../room.js").Room[]} */
  #listed = [];
  /** @type {import("../room.js").Room | null} */
  #chosen = null;

  connectedCallback() {
    if (this.firstChild) return;
    this.append(
      h("header", {}, h("h1", { text: _("Rooms") }),
        iconButton(_("New room"), icon("plus"), () => this.dispatchEvent(new Event("new")))),
      this.#rooms);
  }

  /** @param {import("../room.js").Room} room */
  add(room) {
    this.#listed.push(room);
    for (const type of ["lines", "state", "unread"]) room.addEventListener(type, this.#plan);
    this.#draw();
  }

  /** @param {import("../room.js").Room} room */
  drop(room) {
    this.#listed = this.#listed.filter((each) => each !== room);
    this.#draw();
  }

  /** @param {import("../room.js").Room | null} room */
  choose(room) {
    this.#chosen = room;
    this.#draw();
  }

  focus() {
    /** @type {HTMLElement | null} */ (this.querySelector("[aria-current]"))?.focus();
  }

  #draw() {
    const focused = /** @type {HTMLElement | null} */ (this.#rooms.querySelector(":focus"))?.dataset.room;
    this.#rooms.replaceChildren(...this.#listed.map((room) => this.#row(room)));
    if (focused === undefined) return;
    for (const row of this.#rooms.querySelectorAll("button")) if (row.dataset.room === focused) row.focus();
  }

  /** @param {import("../room.js").Room} room */
  #row(room) {
    const { unread, mentioned, quiet } = room;
    const { text, tone } = subtitle(room);
    const row = roomButton(room.name, text, () => this.dispatchEvent(new CustomEvent("choose", { detail: room })),
      quiet && icon("quiet"),
      badge(mentioned, "mentions", "@", ngettext("{count} with your name", "{count} with your name", mentioned)),
      badge(unread, quiet ? "count quiet" : "count", "", ngettext("{count} unread message", "{count} unread messages", unread)));
    row.dataset.room = room.name;
    if (unread) row.classList.add("unread");
    if (tone) row.classList.add(tone);
    if (room === this.#chosen) row.setAttribute("aria-current", "true");
    return h("li", {}, row);
  }
}

/**
 * @param {number} count
 * @param {string} kind
 * @param {string} sign
 * @param {string} words
 */
const badge = (count, kind, sign, words) => count > 0 && h("span", { class: `badge ${kind}` },
  h("span", { "aria-hidden": "true", text: sign + (count > 99 ? "99+" : count) }), h("span", { class: "unseen", text: ` ${words}` }));

/** @param {import("../room.js").Room} room */
function subtitle({ state, history }) {
  if (state.is === "waiting") return { text: _("Reconnecting..."), tone: "warning" };
  if (state.is === "connecting") return { text: _("Connecting..."), tone: "" };
  if (state.is === "ended") return { text: state.words.what, tone: "danger" };
  const last = history.entries.findLast(({ kind }) => kind === "message" || kind === "own");
  return { text: last ? `${last.from}: ${last.text}` : _("Connected"), tone: "" };
}

customElements.define("room-list", RoomList);
