// A room as one sees it: what it is about, what was said, where one writes, and who is there.

import { interpret } from "../commands.js";
import { L_, _, ngettext } from "../i18n.js";
import { fingerprint } from "../sealing.js";
import "./banner.js";
import "./composer.js";
import { askText, confirm, showHelp } from "./dialogs.js";
import { h, iconButton } from "./dom.js";
import { icon } from "./icons.js";
import { personItems } from "./member-list.js";
import "./message-list.js";
import { openMenu } from "./menu.js";

/** What only who is in a room needs is no part of a first visit. */
const loadMenu = () => import("./room-menu.js");

/** Here the members are shown in the place of the messages. */
const NARROW = matchMedia("(max-width: 900px)");

/** So often somebody who looks at the members learns who is away. */
const PEOPLE_EVERY = 60_000;

/** Shows one room; there is one view for each, so that what one writes and where one reads stay as they are. */
export class RoomView extends HTMLElement {
  /** @type {import("../room.js").Room} */
  room;
  /** @type {import("./app.js").ChatApp} */
  app;
  /** What people compare of a sealed room's key; empty if the room isn't sealed. */
  sealing = "";
  #list = document.createElement("message-list");
  #composer = document.createElement("message-composer");
  #members = document.createElement("member-list");
  #banner = document.createElement("room-banner");
  #about = h("p", { class: "about" });
  #count = h("span");

  /**
   * @param {import("../room.js").Room} room
   * @param {import("./app.js").ChatApp} app
   */
  show(room, app) {
    this.room = room;
    this.app = app;
    loadMenu().catch(console.warn); // it is asked for again when it is needed
    const menu = iconButton(_("Room menu"), icon("more"), async () => {
      openMenu(menu, _("Room menu"), (await loadMenu()).roomItems(room, app, this));
    }, { "aria-haspopup": "menu" });
    const people = iconButton(_("Members"), icon("people"), () => this.#toggleMembers(), { class: "icon people" });
    people.append(this.#count);
    this.people = people;
    this.append(
      h("section", { class: "chat", "aria-label": room.name },
        h("header", { class: "bar" },
          iconButton(_("Back to the rooms"), icon("back"), () => app.showRooms(), { class: "icon back" }),
          h("div", { class: "what" }, h("h1", { text: room.name, dir: "auto" }), this.#about), people, menu),
        this.#banner, this.#list, this.#composer),
      this.#members);
    this.#begin(room);
  }

  /** @param {import("../room.js").Room} room */
  #begin(room) {
    this.#banner.show(room, (way) => this.#goBack(way));
    this.#list.show(room, {
      openMenu: (entry, button, at) => openMenu(button, _("Message"), this.#entryItems(entry), at),
      sayAgain: (entry) => room.speaker.sayAgain(entry.id),
    });
    this.#composer.show(room);
    this.#composer.addEventListener("said", (event) => this.#say(/** @type {CustomEvent} */ (event)));
    this.#members.addEventListener("close", () => this.#toggleMembers());
    this.#members.show(room, (person) => personItems(room, person, {
      mention: (name) => {
        this.app.showChat();
        this.#drawBar();
        this.#composer.mention(name);
      },
      copy: (text) => this.app.copy(text, _("Copied.")),
      kick: (name) => this.#ask(_("Remove {name} from the room?", { name }), L_("&Kick..."), `/kick ${name}`),
      ban: (name) => this.#ask(_("Remove {name} from the room, and ban the name and its address?", { name }), L_("&Ban..."), `/ban ${name}`),
      handOver: (name) => this.#ask(_("Make {name} the host? You will no longer be the host.", { name }), L_("Make &host..."), `/host ${name}`),
    }));
    for (const type of ["state", "about", "people"]) room.addEventListener(type, () => this.#drawBar());
    if (room.seal) this.#tellSeal(room.seal.key);
    this.#drawBar();
    NARROW.addEventListener("change", () => this.#drawBar());
    setInterval(() => {
      if (this.isConnected && !document.hidden) room.refreshPeople();
    }, PEOPLE_EVERY);
  }

  connectedCallback() {
    if (this.room) this.#drawBar(); // members may have been hidden in another room
  }

  focus() {
    this.#composer.focus();
  }

  read() {
    this.#list.focus();
  }

  /** Draw anew what marks the new lines. */
  mark() {
    this.#list.mark();
  }

  toEnd() {
    this.#list.toEnd();
  }

  /** @param {string} key */
  async #tellSeal(key) {
    this.sealing = _("Sealed, key {fingerprint}", { fingerprint: await fingerprint(key) });
    this.#drawBar();
  }

  #drawBar() {
    const { room } = this;
    const { is } = room.state;
    const states = {
      in: room.session.isIn && location.protocol === "https:" ? _("Connected, encrypted") : _("Connected"),
      connecting: _("Connecting..."), waiting: _("Reconnecting..."), ended: _("Not connected"),
    };
    this.#about.replaceChildren(h("span", { class: `dot ${is}` }), states[is],
      ...(this.sealing ? [" · ", icon("lock"), this.sealing] : []),
      ...(room.topic ? [" · ", h("bdi", { text: room.topic })] : []));
    this.#count.textContent = String(room.roster.size);
    if (this.people) {
      this.people.ariaLabel = ngettext("{count} member", "{count} members", room.roster.size);
      this.people.ariaExpanded = String(this.#showsMembers);
    }
    this.#composer.refresh();
  }

  get #showsMembers() {
    return NARROW.matches ? this.app.dataset.shows === "members" : !this.app.classList.contains("lonely");
  }

  #toggleMembers() {
    if (NARROW.matches) this.app.dataset.shows = this.#showsMembers ? "chat" : "members";
    else this.app.classList.toggle("lonely");
    this.#drawBar();
    if (this.#showsMembers) this.room.refreshPeople();
    if (NARROW.matches) (this.#showsMembers ? this.#members : this.people)?.focus();
  }

  /** @param {Chat.Entry} entry */
  #entryItems(entry) {
    const { from } = entry;
    return [
      { label: L_("&Reply"), press: () => this.#composer.reply(entry) },
      ...(from && entry.kind === "message" ? [{ label: L_("&Mention"), press: () => this.#composer.mention(from) }] : []),
      { label: L_("&Copy the message"), press: () => this.app.copy(entry.text.replaceAll("\u23ce", "\n"), _("Copied.")) },
    ];
  }

  /**
   * @param {string} question
   * @param {string} ok
   * @param {string} command
   */
  async #ask(question, ok, command) {
    if (await confirm(ok.replace("…", ""), question, ok.replace("…", ""))) this.room.command(command);
  }

  /** @param {CustomEvent} event */
  #say(event) {
    const { room } = this;
    const meant = interpret(event.detail);
    if (room.state.is === "ended" || (meant.is === "say" && room.speaker.outbox.full)) event.preventDefault();
    else if (meant.is === "say") room.speaker.say(meant.text);
    else if (meant.is === "ask") room.command(meant.text);
    else if (meant.is === "leave") this.app.leave(room);
    else if (meant.is === "help") showHelp();
    else if (meant.is === "password") this.choosePassword();
    else if (meant.is === "unknown") {
      event.preventDefault();
      room.history.add("problem", _("Unknown command {word}. Type /help; start with // to send a slash.", { word: meant.text }));
    }
  }

  async choosePassword() {
    const password = await askText({ title: _("Password"), label: _("New password for the room:"), type: "password", ok: _("Password"), least: 1 });
    if (password === "-") this.room.history.add("problem", _("{dash} alone can't be a password: the password is unchanged.", { dash: "-" }));
    else if (password) this.room.command(`/password ${password}`);
  }

  /** @param {"now" | "join" | "create" | "password" | "name"} way */
  async #goBack(way) {
    const { room } = this;
    if (way === "now") room.session.connect();
    else if (way === "join" || way === "create") room.joinAgain({ create: way === "create" });
    else if (way === "password") {
      const password = await askText({ title: _("Password"), label: _("Password for {room}:", { room: room.name }), type: "password", ok: _("Join the room"), least: 1 });
      if (password) room.joinAgain({ password });
    } else {
      const name = await askText({ title: _("Name"), label: _("Your name in the room:"), value: room.ownName, ok: _("Join the room"), least: 1 });
      if (name) room.joinAgain({ name });
    }
  }
}

customElements.define("room-view", RoomView);
