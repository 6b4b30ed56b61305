// What was said in a room, with days and what is new marked; it stays at the newest line unless one reads above.

import { _, day, ngettext } from "../i18n.js";
import { button, h, once } from "./dom.js";
import { icon } from "./icons.js";
import { drawLine } from "./line.js";

/** Who is so near the end, in pixels, reads the newest. */
const NEAR = 60;
const MINUTE = 60_000;

/** Shows one room's lines. */
export class MessageList extends HTMLElement {
  /** @type {import("../room.js").Room | null} */
  #room = null;
  /** @type {Map<string, HTMLElement>} */
  #drawn = new Map();
  /** @type {import("./line.js").Doer} */
  doer;
  #isAtEnd = true;
  #below = 0;
  /** Which line had the keyboard's focus before it is drawn anew. */
  #focused = "";
  #plan = once(() => this.#draw());
  #newest = button(() => this.toEnd(), { class: "float", hidden: true });
  #log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-relevant": "additions", tabindex: "0", "aria-label": _("Messages") });
  #empty = h("div", { class: "empty", hidden: true });

  connectedCallback() {
    if (this.firstChild) return;
    this.#empty.append(icon("empty"), h("p", { text: _("No messages yet. Write the first one, or invite somebody.") }));
    this.append(this.#log, this.#empty, this.#newest);
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#log.addEventListener("keydown", (event) => this.#key(event));
    // A phone's keyboard takes room away: the newest line stays in sight.
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(this.#log);
  }

  /**
   * @param {import("../room.js").Room} room
   * @param {import("./line.js").Doer} doer
   */
  show(room, doer) {
    this.doer = doer;
    this.#room = room;
    room.addEventListener("lines", (event) => {
      const { entry, change } = /** @type {CustomEvent} */ (event).detail;
      if (change === "changed" || change === "moved") this.#forget(entry.id); // where it is moved to it was taken
      if (change === "added" && !this.#isAtEnd && entry.kind === "message") this.#below++;
      if (change === "added" && entry.kind === "own") this.#isAtEnd = true;
      this.#plan();
    });
    this.#draw();
    const mark = this.#drawn.get("new");
    if (mark) mark.scrollIntoView({ block: "center" });
    else this.toEnd();
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#below = 0;
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#newest.hidden = true;
  }

  focus() {
    this.#log.focus();
  }

  /** Draw what marks the new lines anew: somebody looks, or looked away. */
  mark() {
    this.#plan();
  }

  /** @param {number} id */
  #forget(id) {
    const key = String(id);
    const line = this.#drawn.get(key);
    if (line?.contains(document.activeElement)) this.#focused = key;
    line?.remove();
    this.#drawn.delete(key);
  }

  #draw() {
    const room = this.#room;
    if (!room) return;
    const wanted = [...this.#wanted(room)];
    const keys = new Set(wanted.map(([key]) => key));
    for (const [key, element] of this.#drawn) {
      if (keys.has(key)) continue;
      element.remove();
      this.#drawn.delete(key);
    }
    let at = this.#log.firstChild;
    for (const [key, make, follows] of wanted) {
      const element = this.#drawn.get(key) ?? make();
      this.#drawn.set(key, element);
      element.classList.toggle("follows", follows);
      if (element === at) at = at.nextSibling;
      else this.#log.insertBefore(element, at);
    }
    if (this.#focused) this.#drawn.get(this.#focused)?.focus({ preventScroll: true });
    this.#focused = "";
    this.#empty.hidden = room.history.entries.some(({ kind }) => kind === "message" || kind === "own");
    if (this.#isAtEnd) this.toEnd();
    else this.#tellBelow();
  }

  /**
   * Yield what is to be seen: a key, how it is made, and whether it goes on with what the same person said before.
   *
   * @param {import("../room.js").Room} room
   * @returns {Generator<[string, () => HTMLElement, boolean]>}
   */
  *#wanted(room) {
    /** @type {Chat.Entry | null} */
    let before = null;
    let today = "";
    let isMarked = room.readTo === 0;
    for (const entry of room.history.entries) {
      const date = new Date(entry.at).toDateString();
      if (date !== today) yield [`day ${date}`, () => h("h2", { class: "day" }, h("span", { text: day(entry.at) })), false];
      const isFirstNew = !isMarked && entry.id > room.readTo && entry.kind === "message";
      isMarked ||= isFirstNew;
      if (isFirstNew) yield ["new", () => h("h2", { class: "day new" }, h("span", { text: _("New messages") })), false];
      const follows = !isFirstNew && date === today && before !== null && goesOn(before, entry);
      yield [String(entry.id), () => drawLine(entry, room.ownName, this.doer), follows];
      before = entry;
      today = date;
    }
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#isAtEnd) this.#below = 0;
    this.#tellBelow();
  }

  #tellBelow() {
    this.#newest.hidden = this.#isAtEnd;
    const text = this.#below ? ngettext("{count} new message", "{count} new messages", this.#below) : _("Newest messages");
    if (this.#newest.textContent !== text) this.#newest.replaceChildren(text, icon("down"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const lines = [...this.#log.querySelectorAll(".line")].map((line) => /** @type {HTMLElement} */ (line));
    const now = lines.findIndex((line) => line === document.activeElement);
    if (event.key === "Enter" && event.target === lines[now]) {
      event.preventDefault();
      lines[now]?.querySelector("button")?.click();
      return;
    }
    const next = { ArrowUp: now < 0 ? lines.length - 1 : Math.max(0, now - 1), ArrowDown: now < 0 ? -1 : now + 1, Home: 0, End: lines.length - 1 }[event.key];
    const line = next === undefined ? undefined : lines[next];
    if (!line) return;
    event.preventDefault();
    line.focus();
    line.scrollIntoView({ block: "nearest" });
  }
}

/**
 * Tell whether somebody goes on speaking, so that the name needn't stand there again.
 *
 * @param {Chat.Entry} before
 * @param {Chat.Entry} entry
 */
const goesOn = (before, entry) =>
  before.kind === entry.kind && before.from === entry.from && (entry.kind === "message" || entry.kind === "own") &&
  before.state !== "lost" && Math.floor(before.at / MINUTE) === Math.floor(entry.at / MINUTE);

customElements.define("message-list", MessageList);
