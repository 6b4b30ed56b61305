// The whole page: the rooms one is in, the one that is shown, and what leads from one to the other.

import { Announcer } from "../announcer.js";
import { Attention } from "../attention.js";
import { L_, _ } from "../i18n.js";
import { makeInvitation, parseHash, portOf } from "../links.js";
import { Room } from "../room.js";
import { confirm, showText } from "./dialogs.js";
import { h } from "./dom.js";
import "./room-list.js";
import "./room-view.js";
import "./start-page.js";

/** A toast stays so long. */
const TOAST = 4000;

/** @typedef {import("./room-view.js").RoomView} RoomView */

/** The element that is the page. */
export class ChatApp extends HTMLElement {
  /** @type {Map<string, { room: Room, view: RoomView }>} */
  rooms = new Map();
  /** @type {Chat.World} */
  world;
  /** @type {import("../store.js").Store} */
  store;
  /** @type {Attention} */
  attention;
  /** @type {Room | null} */
  shown = null;
  #list = document.createElement("room-list");
  #start = document.createElement("start-page");
  #main = h("main");
  #region = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  #toasts = h("div", { class: "toasts", role: "status" });
  #announcer = new Announcer(this.#region, (then, milliseconds) => setTimeout(then, milliseconds));
  /** @type {Room | null} a room that one wants to enter, and isn't in yet */
  #entering = null;

  /**
   * @param {Chat.World} world
   * @param {import("../store.js").Store} store
   */
  begin(world, store) {
    this.world = world;
    this.store = store;
    this.attention = new Attention(store, (room) => this.showRoom(room));
    this.append(h("nav", { "aria-label": _("Rooms") }, this.#list), this.#main, this.#region, this.#toasts);
    this.#list.addEventListener("choose", (event) => this.showRoom(/** @type {CustomEvent} */ (event).detail));
    this.#list.addEventListener("new", () => this.showStart());
    this.#start.addEventListener("enter", (event) => this.#enter(/** @type {CustomEvent} */ (event).detail));
    for (const { saved, log } of store.rooms()) {
      this.#add(new Room(world, store.keep(saved.wish.room), saved.wish, { saved, log })).connect();
    }
    this.#start.show(this);
    const last = [...this.rooms.values()].find(({ room }) => room.name === store.shown);
    if (!this.follow()) this.showRoom(last?.room ?? this.#first);
  }

  /** Go where the page's address leads; a key is taken out of it at once. */
  follow() {
    if (!location.hash) return false;
    const found = parseHash(location.hash);
    const known = found && this.rooms.get(found.room);
    if (found?.key) this.store.saveKey(found.room, found.key);
    history.replaceState(null, "", found ? makeInvitation(location.href, found.room) : location.pathname);
    if (known && (!found.key || found.key === known.room.wish.key)) {
      this.showRoom(known.room);
    } else {
      this.showStart();
      this.#start.follow(found && { ...found, key: found.key || this.store.keyOf(found.room) });
    }
    return true;
  }

  /** @param {Room | null} room */
  showRoom(room) {
    const known = room && this.rooms.get(room.name);
    if (!known) {
      this.showStart();
      return;
    }
    this.shown?.look(false);
    this.shown = room;
    this.dataset.shows = "chat";
    this.#main.replaceChildren(known.view);
    this.#list.choose(room);
    this.store.shown = room.name;
    history.replaceState(null, "", makeInvitation(location.href, room.name));
    known.view.toEnd();
    this.look();
    if (matchMedia("(pointer: fine)").matches) known.view.focus();
    else known.view.read(); // to write would open a phone's keyboard
  }

  showStart() {
    this.shown?.look(false);
    this.shown = null;
    this.dataset.shows = "start";
    this.classList.toggle("in", this.rooms.size > 0);
    this.#main.replaceChildren(this.#start);
    this.#list.choose(null);
    this.#start.refresh();
    this.#start.focus();
    this.look();
  }

  /** On a narrow screen, show the list of rooms alone. */
  showRooms() {
    if (!this.shown) this.showRoom(this.#first);
    this.dataset.shows = "rooms";
    if (matchMedia("(max-width: 700px)").matches) this.#list.focus();
  }

  showChat() {
    this.dataset.shows = "chat";
  }

  /** Take note of whether somebody looks at the page, and at which room. */
  look() {
    const isLooking = !document.hidden && document.hasFocus();
    const { shown } = this;
    if (shown) {
      shown.look(isLooking);
      this.rooms.get(shown.name)?.view.mark();
    }
    this.#showUnread();
  }

  /** @param {Room} room */
  async leave(room) {
    const question = _("You are the host: if you leave, the room closes for everybody. Leave?");
    if (room.isHost && room.state.is === "in" && room.roster.size > 1 && !(await confirm(L_("&Leave"), question, L_("&Leave")))) return;
    room.leave();
    this.rooms.delete(room.name);
    this.#list.drop(room);
    history.replaceState(null, "", location.pathname);
    this.shown = null;
    this.showRoom(this.#first);
  }

  /** @param {Room} room */
  invite(room) {
    this.copy(makeInvitation(location.href, room.name, room.seal?.key, portOf(room.web)), _("Invitation copied."));
  }

  /**
   * @param {string} text
   * @param {string} done
   */
  async copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      this.#toast(done);
    } catch {
      showText(_("Copy this"), text); // only a page over https may copy by itself
    }
  }

  /** @param {string} tag */
  useLanguage(tag) {
    this.store.choose({ language: tag });
    for (const { room } of this.rooms.values()) room.keeper.save();
    location.reload(); // seats outlive it
  }

  /** @param {Chat.Wish} wish */
  #enter(wish) {
    const known = this.rooms.get(wish.room);
    if (known && known.room.state.is !== "ended") {
      this.showRoom(known.room);
      return;
    }
    this.#entering?.leave();
    const room = new Room(this.world, this.store.keep(wish.room), wish);
    this.#entering = room;
    this.store.choose({ name: wish.name });
    room.addEventListener("state", () => this.#entered(room));
    this.#start.busy(true);
    room.connect();
  }

  /** @param {Room} room */
  #entered(room) {
    if (room !== this.#entering) return;
    const { state } = room;
    if (state.is === "in") {
      this.#entering = null;
      this.#start.clear();
      this.store.addRecent(room.name, room.ownName);
      const old = this.rooms.get(room.name);
      if (old) this.#list.drop(old.room);
      this.#add(room);
      this.showRoom(room);
    } else if (state.is === "ended") {
      this.#entering = null;
      this.#start.refuse(state.words, state.may, state.status);
    }
  }

  /** @param {Room} room */
  #add(room) {
    const view = document.createElement("room-view");
    this.rooms.set(room.name, { room, view });
    view.show(room, this);
    this.#list.add(room);
    room.addEventListener("lines", (event) => {
      const { entry, change } = /** @type {CustomEvent} */ (event).detail;
      if (change === "added") this.#heard(room, entry);
    });
    room.addEventListener("unread", () => this.#showUnread());
    return room;
  }

  /**
   * @param {Room} room
   * @param {Chat.Entry} entry
   */
  #heard(room, entry) {
    if (entry.kind === "message") {
      if (room === this.shown) this.#announcer.say(entry.from ? `${entry.from}: ${entry.text}` : entry.text);
      if (!room.isLookedAt) this.attention.notify(room, entry);
    } else if (entry.kind === "problem" && room === this.shown) {
      this.#announcer.say(entry.text);
    }
  }

  get #first() {
    return [...this.rooms.values()][0]?.room ?? null;
  }

  #showUnread() {
    this.attention.show([...this.rooms.values()].map(({ room }) => room), this.shown);
  }

  /** @param {string} text */
  #toast(text) {
    const toast = h("p", { text });
    this.#toasts.append(toast);
    setTimeout(() => toast.remove(), TOAST);
  }
}

customElements.define("chat-app", ChatApp);
