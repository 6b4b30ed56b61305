// The rooms that the relay lists for everybody (LIST-01).

import { _, ngettext } from "../i18n.js";
import { flawOfRoom, sanitize } from "../text.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { roomButton } from "./room-button.js";

/** The list is asked for so often while one looks at it, in milliseconds; the relay makes it once a second. */
const EVERY = 5_000;
const OLD = 1_100;

/** Shows them, and keeps itself fresh while it is seen. */
export class OpenRooms extends HTMLElement {
  /** @type {(room: string) => void} */
  choose;
  /** What was listed, as JSON. */
  #listed = "";
  /** Whether one may ask: nobody awaits an answer, and the relay hasn't said that it lists no rooms. */
  #mayAsk = true;

  constructor() {
    super();
    const ask = () => this.#ask();
    setInterval(ask, EVERY);
    document.addEventListener("visibilitychange", ask);
  }

  /** Ask now, and again once the relay has a list of what one has done just now, such as leave a room. */
  refresh() {
    this.#ask();
    setTimeout(() => this.#ask(), OLD);
  }

  async #ask() {
    if (!this.isConnected || document.hidden || !this.#mayAsk) return;
    this.#mayAsk = false;
    const rooms = await listRooms();
    this.#mayAsk = rooms !== null; // else each question would be an error in the browser's console
    const listed = JSON.stringify(rooms ?? []);
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#draw(rooms ?? []);
  }

  /** @param {Chat.ListedRoom[]} rooms */
  #draw(rooms) {
    const focused = this.querySelector(":focus .name")?.textContent;
    const rows = rooms.map(({ name, members, topic, password, sealed }) => {
      const about = [
        ngettext("{count} member", "{count} members", members), password && _("with password"), sealed && _("sealed"), topic && sanitize(topic),
      ].filter(Boolean).join(" · ");
      return roomButton(name, about, () => this.choose(name), (password || sealed) && icon("lock"));
    });
    if (!rows.length) this.replaceChildren();
    else this.replaceChildren(h("h2", { text: _("Open rooms") }), h("ul", {}, ...rows.map((row) => h("li", {}, row))));
    rows[rooms.findIndex(({ name }) => name === focused)]?.focus();
  }
}

/** @returns {Promise<Chat.ListedRoom[] | null>} what the relay lists; null if it lists no rooms at all (LIST-01) */
async function listRooms() {
  try {
    const answer = await fetch("rooms");
    if (answer.status === 404) return null;
    const found = (await answer.json()).rooms;
    return Array.isArray(found) ? found.filter((room) => typeof room?.name === "string" && flawOfRoom(room.name) === null) : [];
  } catch {
    return [];
  }
}

customElements.define("open-rooms", OpenRooms);
