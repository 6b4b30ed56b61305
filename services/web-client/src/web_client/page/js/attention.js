// What is noticed while one looks elsewhere: the title, the page's picture, and notifications.

import { _ } from "./i18n.js";

/** Tells of the rooms of one page. */
export class Attention {
  /**
   * @param {import("./store.js").Store} store
   * @param {(room: import("./room.js").Room) => void} open
   */
  constructor(store, open) {
    this.store = store;
    this.open = open;
  }

  /** Whether the browser can notify, and the person hasn't forbidden it. */
  get isPossible() {
    return globalThis.isSecureContext && "Notification" in globalThis && Notification.permission !== "denied";
  }

  get isOn() {
    return this.isPossible && Notification.permission === "granted" && this.store.choices().notify === true;
  }

  /** @param {boolean} on */
  async turn(on) {
    const granted = on && (await Notification.requestPermission()) === "granted";
    this.store.choose({ notify: granted });
    return granted;
  }

  /**
   * Show in the title and on the page's picture how much is unread.
   *
   * @param {import("./room.js").Room[]} rooms
   * @param {import("./room.js").Room | null} shown
   */
  show(rooms, shown) {
    const unread = rooms.reduce((sum, room) => sum + (room.quiet ? room.mentioned : room.unread), 0);
    const title = shown ? _("{room} - Chat", { room: shown.name }) : _("Chat");
    document.title = unread ? `(${unread > 99 ? "99+" : unread}) ${title}` : title;
    const picture = document.querySelector('link[rel="icon"]');
    picture?.setAttribute("href", unread ? "icon-unread.svg" : "icon.svg");
  }

  /**
   * Tell of a message that nobody looks at.
   *
   * @param {import("./room.js").Room} room
   * @param {Chat.Entry} entry
   */
  notify(room, entry) {
    if (!this.isOn || (room.quiet && !entry.mention)) return;
    const title = entry.mention ? _("{room}: {name} mentioned you", { room: room.name, name: entry.from }) : `${room.name}: ${entry.from}`;
    try {
      const shown = new Notification(title, { body: entry.text, tag: room.name, icon: "icon.svg" });
      shown.onclick = () => {
        window.focus();
        this.open(room);
        shown.close();
      };
    } catch (error) {
      console.warn(error); // phones allow it only to installed workers
    }
  }
}
