// What is wrong with the connection, above the messages, and what one can do about it.

import { L_, _ } from "../i18n.js";
import { line } from "../wording.js";
import { button, h } from "./dom.js";

/** Shows a room's state, unless all is well. */
export class RoomBanner extends HTMLElement {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  connectedCallback() {
    this.setAttribute("role", "status");
  }

  disconnectedCallback() {
    clearInterval(this.#ticking);
  }

  /**
   * @param {import("../room.js").Room} room
   * @param {(way: "now" | "join" | "create" | "password" | "name") => void} act
   */
  show(room, act) {
    this.room = room;
    this.act = act;
    room.addEventListener("state", () => this.#draw());
    this.#draw();
  }

  #draw() {
    clearInterval(this.#ticking);
    const state = this.room?.state;
    this.hidden = !state || state.is === "in" || (state.is === "connecting" && !this.childElementCount);
    if (!state || state.is === "in") this.replaceChildren();
    else if (state.is === "waiting") {
      const text = h("p");
      const tick = () => {
        const seconds = Math.ceil((state.at - Date.now()) / 1000);
        const todo = seconds > 0 ? _("Reconnecting in {seconds} s", { seconds }) : _("Reconnecting...");
        text.textContent = line({ what: state.words.what, todo });
      };
      tick();
      this.#ticking = setInterval(tick, 1000);
      this.#fill("warning", text, [[L_("Try &now"), "now"]]);
      const spoken = line({ what: state.words.what, todo: _("What you write is sent once the relay is heard again.") });
      // Only that it is broken is read aloud, not each second.
      text.setAttribute("aria-hidden", "true");
      this.prepend(h("p", { class: "unseen", text: spoken }));
    } else if (state.is === "connecting") {
      this.#fill("warning", h("p", { text: _("Reconnecting...") }), []);
    } else {
      this.#fill("danger", h("p", { text: line(state.words) }), WAYS[state.may]?.() ?? []);
    }
  }

  /**
   * @param {string} tone
   * @param {HTMLElement} text
   * @param {[string, "now" | "join" | "create" | "password" | "name"][]} ways
   */
  #fill(tone, text, ways) {
    this.className = tone;
    this.replaceChildren(text, ...ways.map(([label, way]) => button(() => this.act?.(way), {}, label)));
  }
}

/** @type {Record<string, () => [string, "join" | "create" | "password" | "name"][]>} */
const WAYS = {
  join: () => [[L_("J&oin the room"), "join"]],
  create: () => [[L_("Cre&ate the room"), "create"]],
  password: () => [[L_("Enter the &password..."), "password"]],
  name: () => [[L_("Choose another &name..."), "name"]],
  nothing: () => [],
};

customElements.define("room-banner", RoomBanner);
