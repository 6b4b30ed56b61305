// Where one writes: Enter sends, Shift+Enter starts a new line, and too much is told before it is sent.

import { _, ngettext } from "../i18n.js";
import { quote } from "../parts.js";
import { byteLength } from "../text.js";
import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

/** From this part of the limit on one sees how much it is. */
const NEARLY = 0.8;

/** The field for one room; dispatches "said" with the text. */
export class MessageComposer extends HTMLElement {
  /** @type {import("../room.js").Room | null} */
  #room = null;
  #quoted = "";
  #words = h("textarea", {
    id: "words", rows: 1, enterkeyhint: "send", autocapitalize: "sentences", "aria-describedby": "size",
    "aria-label": _("Write a message"), placeholder: _("Write a message"),
  });
  #size = h("span", { id: "size", class: "size", role: "status" });
  #send = iconButton(_("Send"), icon("send"), () => this.#submit(), { class: "icon send", title: _("Send (Enter)"), disabled: true });

  connectedCallback() {
    if (this.firstChild) return;
    this.append(h("div", { class: "input" }, this.#words, this.#send), this.#size);
    this.#words.addEventListener("input", () => this.refresh());
    this.#words.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return; // 229: a conversion
      event.preventDefault();
      this.#submit();
    });
    this.refresh();
  }

  /** @param {import("../room.js").Room} room */
  show(room) {
    this.#room = room;
    this.refresh();
  }

  get value() {
    return this.#words.value;
  }

  set value(text) {
    this.#words.value = text;
    this.refresh();
  }

  focus() {
    this.#words.focus();
  }

  /**
   * Begin an answer to a message; a quote that was begun before is replaced.
   *
   * @param {Chat.Entry} entry
   */
  reply(entry) {
    const rest = this.value.startsWith(this.#quoted) ? this.value.slice(this.#quoted.length) : this.value;
    this.#quoted = `${quote(entry.from, entry.text)}\n`;
    this.value = this.#quoted + rest;
    this.focus();
    this.#words.setSelectionRange(this.value.length, this.value.length);
  }

  /**
   * Put a name where one writes.
   *
   * @param {string} name
   */
  mention(name) {
    const { selectionStart: start, value } = this.#words;
    const space = start > 0 && !/\s$/.test(value.slice(0, start)) ? " " : "";
    this.#words.setRangeText(`${space}${name} `, start, this.#words.selectionEnd, "end");
    this.refresh();
    this.focus();
  }

  /** Show whether what stands here may be sent: it changed, or the limit did. */
  refresh() {
    const [bytes, limit] = [byteLength(this.value), this.#room?.limit ?? 0];
    const over = limit ? bytes - limit : 0;
    this.#size.textContent = over > 0 ? ngettext("{count} byte too long", "{count} bytes too long", over)
      : limit && bytes > limit * NEARLY ? _("{size} of {limit} bytes", { size: bytes, limit }) : "";
    this.classList.toggle("wrong", over > 0);
    this.#send.disabled = over > 0 || !this.value.trim();
    if (!CSS.supports("field-sizing", "content")) {
      this.#words.style.height = "auto";
      this.#words.style.height = `${this.#words.scrollHeight}px`;
    }
  }

  #submit() {
    if (this.#send.disabled) return;
    const said = new CustomEvent("said", { detail: this.value.trimEnd(), cancelable: true });
    if (!this.dispatchEvent(said)) return; // it isn't sent, and goes on standing here
    this.#quoted = "";
    this.value = "";
    this.focus();
  }
}

customElements.define("message-composer", MessageComposer);
