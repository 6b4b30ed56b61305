// Who is in the room: the host first and marked, who is muted, and who is away.

import { L_, _, ngettext } from "../i18n.js";
import { avatar } from "./avatar.js";
import { button, h, iconButton, once } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";

/** Lists one room's members. */
export class MemberList extends HTMLElement {
  #title = h("h1"); // on a phone the members are a screen of their own
  #people = h("ul");
  #plan = once(() => this.#draw());

  connectedCallback() {
    if (this.firstChild) return;
    const back = iconButton(_("Back to the messages"), icon("close"), () => this.dispatchEvent(new Event("close")), { class: "icon back" });
    this.append(h("header", {}, this.#title, back), this.#people);
  }

  /**
   * @param {import("../room.js").Room} room
   * @param {(person: Chat.Person) => import("./menu.js").Item[]} items what one may do about a person
   */
  show(room, items) {
    this.room = room;
    this.items = items;
    room.addEventListener("people", this.#plan);
    this.#draw();
  }

  focus() {
    this.querySelector("button")?.focus();
  }

  #draw() {
    const { room } = this;
    if (!room) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.name;
    this.#title.textContent = ngettext("{count} member", "{count} members", room.roster.size);
    this.#people.replaceChildren(...room.roster.people.map((person) => this.#row(person)));
    if (room.roster.others) this.#people.append(h("li", { class: "muted", text: `+ ${room.roster.others}` }));
    if (focused === undefined) return;
    for (const row of this.#people.querySelectorAll("button")) if (row.dataset.name === focused) row.focus();
  }

  /** @param {Chat.Person} person */
  #row(person) {
    const { name, host, muted, away } = person;
    const marks = [host && _("host"), muted && _("muted")].filter(Boolean);
    const row = button(() => openMenu(row, name, this.items?.(person) ?? []), {
      class: `person ${away ? "away" : ""}`, "data-name": name, "aria-haspopup": "menu", title: [...marks, away && _("away")].filter(Boolean).join(", ") || name,
    },
      avatar(name), h("span", { class: "name", text: name }), away && h("span", { class: "mark", text: _("away") }),
      h("span", { class: "unseen", text: marks.join(", ") }), muted && icon("muted"), host && icon("host"));
    return h("li", {}, row);
  }
}

customElements.define("member-list", MemberList);

/**
 * Return what one may do about a person; what only a host may is there for a host alone.
 *
 * @param {import("../room.js").Room} room
 * @param {Chat.Person} person
 * @param {{ mention(name: string): void, copy(text: string): void, kick(name: string): void, ban(name: string): void, handOver(name: string): void }} does
 * @returns {import("./menu.js").Item[]}
 */
export function personItems(room, { name, muted }, does) {
  /** @type {import("./menu.js").Item[]} */
  const items = [
    { label: L_("&Mention"), press: () => does.mention(name) },
    { label: L_("Copy the &name"), press: () => does.copy(name) },
  ];
  if (!room.isHost || name === room.ownName) return items;
  const mute = muted ? "unmute" : "mute";
  return [
    ...items, "line",
    { label: muted ? L_("&Unmute") : L_("M&ute"), press: () => room.command(`/${mute} ${name}`) },
    { label: L_("Make &host..."), press: () => does.handOver(name) },
    { label: L_("&Kick..."), danger: true, press: () => does.kick(name) },
    { label: L_("&Ban..."), danger: true, press: () => does.ban(name) },
  ];
}
