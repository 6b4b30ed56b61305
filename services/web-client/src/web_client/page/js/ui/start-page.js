// Where one begins: a name, a room, and perhaps a password or a key.

import { LANGUAGES, L_, N_, _, language } from "../i18n.js";
import { isInvitation, parseInvitation } from "../links.js";
import { canSeal, fingerprint, makeKey } from "../sealing.js";
import { Status } from "../statuses.js";
import { MAX_NAME_BYTES, byteLength, flawOfRoom, flawOfUser } from "../text.js";
import { line } from "../wording.js";
import { button, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";
import "./open-rooms.js";
import { roomButton } from "./room-button.js";

const NO_SEALS = N_("Sealed rooms work only over https: on this page the browser can't encrypt.");

/** The form, rooms to join and recent rooms; dispatches "enter" with a wish. */
export class StartPage extends HTMLElement {
  #key = "";
  #name = h("input", { id: "name", type: "text", autocomplete: "nickname", spellcheck: "false", maxlength: MAX_NAME_BYTES });
  #room = h("input", { id: "room", type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "off" });
  #password = h("input", { id: "password", type: "password", autocomplete: "off", maxlength: 1024 });
  #seal = h("input", { id: "seal", type: "checkbox", "aria-describedby": "seal-note" });
  #join = h("input", { type: "radio", name: "mode", value: "join", checked: true });
  #create = h("input", { type: "radio", name: "mode", value: "create" });
  #submit = h("button", { type: "submit", class: "primary wide" });
  #problem = h("div", { class: "problem", role: "alert", hidden: true });
  #keyNote = h("p", { class: "note", hidden: true });
  /** @type {import("./app.js").ChatApp} */
  app;
  #back = iconButton(_("Back to the rooms"), icon("close"), () => this.app.showRooms(), { hidden: true });
  #open = document.createElement("open-rooms");
  #recents = h("section", { hidden: true });

  /** @param {import("./app.js").ChatApp} app */
  show(app) {
    this.app = app;
    this.#name.value = app.store.choices().name ?? "";
    this.append(h("div", { class: "page" },
      h("div", { class: "main" }, this.#head(), this.#form()),
      h("div", { class: "lists" }, this.#open, this.#recents)));
    this.#changeMode();
    this.#drawRecents();
    this.#open.choose = (room) => this.fill({ room });
  }

  /** @param {import("../links.js").Invitation | { room: string, key: string } | null} invitation null if it can't be read */
  follow(invitation) {
    if (invitation) this.fill(invitation);
    else this.#tell(_("The invitation is incomplete: copy all of it."), this.#room);
  }

  /** Fill in where an invitation leads. */
  fill(/** @type {{ room: string, key?: string, name?: string, create?: boolean }} */ { room, key = "", name, create = false }) {
    this.#room.value = room;
    if (name) this.#name.value = name;
    (create ? this.#create : this.#join).checked = true;
    this.#useKey(key);
    this.#changeMode();
    (this.#name.value ? this.#submit : this.#name).focus();
  }

  focus() {
    const empty = [this.#name, this.#room].find((field) => !field.value);
    (empty ?? this.#room).focus();
  }

  refresh() {
    this.#back.hidden = !this.app.rooms.size;
    this.#drawRecents();
    this.#open.refresh();
  }

  /** Forget what was for one room alone, above all its password. */
  clear() {
    this.#room.value = this.#password.value = "";
    this.#seal.checked = false;
    this.#join.checked = true;
    this.#useKey("");
    this.#changeMode();
  }

  /** @param {boolean} isBusy while the relay is asked */
  busy(isBusy) {
    this.#submit.disabled = isBusy;
    this.#submit.textContent = isBusy ? _("Connecting...") : this.#submitLabel;
    if (isBusy) this.#calm();
  }

  /**
   * Say why one doesn't get in, and offer what may help.
   *
   * @param {Chat.Words} words
   * @param {string} may
   * @param {number} status
   */
  refuse(words, may, status) {
    this.#tell(line(words), may === "password" ? this.#password : may === "name" ? this.#name : null);
    if (status === Status.ROOM_EXISTS || status === Status.NO_SUCH_ROOM) {
      const create = status === Status.NO_SUCH_ROOM;
      this.#problem.append(button(() => {
        (create ? this.#create : this.#join).checked = true;
        this.#changeMode();
        this.#enter();
      }, {}, create ? L_("Cre&ate the room") : L_("J&oin the room")));
    }
  }

  /**
   * Say what is wrong, and mark the field that it is about.
   *
   * @param {string} problem
   * @param {HTMLInputElement | null} [field]
   */
  #tell(problem, field = null) {
    this.busy(false);
    this.#calm();
    this.#problem.replaceChildren(h("p", { text: problem }));
    this.#problem.hidden = false;
    if (!field) return;
    field.ariaInvalid = "true";
    field.focus();
    field.select();
  }

  /** Take back what was told. */
  #calm() {
    this.#problem.hidden = true;
    for (const each of [this.#password, this.#name, this.#room]) each.ariaInvalid = null;
  }

  get #submitLabel() {
    return this.#create.checked ? _("Create the room") : _("Join the room");
  }

  #head() {
    return h("header", {}, h("img", { src: "icon.svg", alt: "", width: 64, height: 64 }),
      h("div", {}, h("h1", { text: _("Chat") }), h("p", { text: _("Talk with others, room by room.") })),
      this.#back);
  }

  #form() {
    const modes = h("fieldset", { class: "modes", on: { change: () => this.#changeMode() } },
      h("legend", { class: "unseen", text: _("Room") }),
      h("label", {}, this.#join, L_("&Join")), h("label", {}, this.#create, L_("Cr&eate")));
    const note = canSeal() ? _("Not even the relay can read it; the invitation has the key") : _(NO_SEALS);
    this.#seal.disabled = !canSeal();
    this.#room.addEventListener("input", () => this.#readInvitation());
    /** @type {(field: HTMLInputElement, label: string) => HTMLElement} */
    const row = (field, label) => h("div", { class: "field" }, h("label", { for: field.id, text: label }), field);
    return h("form", { class: "card", novalidate: true, on: { submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#enter();
    } } },
      modes, row(this.#name, L_("Your &name")), row(this.#room, L_("R&oom")), this.#keyNote, row(this.#password, L_("&Password")),
      h("div", { class: "sealing" },
        h("div", { class: "check" }, this.#seal, h("label", { for: "seal", text: L_("Seal: only &members with the key can read") })),
        h("p", { id: "seal-note", class: "note", text: note })),
      this.#problem, this.#submit, this.#languages());
  }

  #languages() {
    return h("p", { class: "languages" }, ...Object.entries(LANGUAGES).map(([tag, name]) => button(() => this.app.useLanguage(tag), {
      class: "quiet", lang: tag, "aria-pressed": String(tag === language()),
    }, name)));
  }

  #changeMode() {
    this.classList.toggle("creates", this.#create.checked);
    this.#password.placeholder = this.#create.checked ? "" : _("only if the room has one");
    this.#calm();
    this.busy(false);
  }

  #readInvitation() {
    const found = parseInvitation(this.#room.value);
    if (!found) {
      this.#useKey("");
    } else if (found.page && new URL(found.page).origin !== location.origin) {
      this.#tell(_("This invitation leads to another server: open it in the browser."), this.#room);
    } else {
      this.fill({ room: found.room, key: found.key });
    }
  }

  /** @param {string} key */
  async #useKey(key) {
    this.#key = key;
    this.#keyNote.hidden = !key;
    if (key) this.#keyNote.replaceChildren(icon("lock"), canSeal() ? _("Sealed, key {fingerprint}", { fingerprint: await fingerprint(key) }) : _(NO_SEALS));
  }

  #enter() {
    const [name, room, create] = [this.#name.value.trim(), this.#room.value, this.#create.checked];
    if (isInvitation(room)) { // which may have a key, and so isn't sent
      this.follow(null);
      this.#readInvitation();
      return;
    }
    const flaw = flawOfUser(name) ?? flawOfRoom(room);
    if (flaw) {
      const field = flawOfUser(name) ? this.#name : this.#room;
      this.#tell(flawWords(flaw, field === this.#name, field.value), field);
      return;
    }
    const key = create ? (this.#seal.checked ? makeKey() : "") : this.#key || this.app.store.keyOf(room);
    if (key && !canSeal()) {
      this.#tell(_(NO_SEALS));
      return;
    }
    this.dispatchEvent(new CustomEvent("enter", { detail: { room, name, password: this.#password.value, create, key } }));
  }

  #drawRecents() {
    const recents = this.app.store.recents();
    this.#recents.hidden = !recents.length;
    this.#recents.replaceChildren(h("h2", { text: _("Recent rooms") }), h("ul", {}, ...recents.map(({ room, name }) => h("li", {},
      roomButton(room, name, () => this.fill({ room, name })),
      iconButton(`${L_("&Forget")}: ${room}`, icon("close"), () => {
        this.app.store.removeRecent(room);
        this.#drawRecents();
      })))));
  }
}

/**
 * @param {import("../text.js").Flaw} flaw
 * @param {boolean} isUser
 * @param {string} value
 */
function flawWords(flaw, isUser, value) {
  const fields = { size: byteLength(value), limit: MAX_NAME_BYTES };
  switch (flaw) {
    case "empty":
      return isUser ? _("The user name is empty: give it at least one character.") : _("The room name is empty: give it at least one character.");
    case "long":
      return isUser ? _("The user name has {size} bytes: use at most {limit}.", fields) : _("The room name has {size} bytes: use at most {limit}.", fields);
    case "colon":
      return _("The user name has a colon: choose one without.");
    default:
      return isUser ? _("The relay doesn't accept this name.") : _("The name can't be used.");
  }
}

customElements.define("start-page", StartPage);
