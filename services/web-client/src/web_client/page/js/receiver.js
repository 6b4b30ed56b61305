// What a room's relay says, a message at a time, and what becomes of it in the room.

import { _ } from "./i18n.js";
import { mentions } from "./parts.js";
import { done, failed, inAWord, lostHere, notTaken } from "./wording.js";

/** @typedef {Extract<Chat.FromRelay, { kind: "notice" }>} Notice */
/** @typedef {import("./room.js").Room} Room */

/** Reads for one room. */
export class Receiver {
  /** Whether a person asked who is here, and so the next list is to be shown. */
  isAsked = false;
  /** Whether a person asked for the topic: else one that is known is no news. */
  isTopicAsked = false;
  /** What the relay may take for the room's password. */
  chosenPassword = "";
  /** @type {string[]} */
  #bans = [];

  /** @param {Room} room */
  constructor(room) {
    this.room = room;
  }

  /**
   * Take a message; a number counts as heard once what it says is in the history.
   *
   * @param {Chat.FromRelay} message
   */
  take(message) {
    if (this.room.seal) this.room.speaker.inOrder(() => this.#takeSealed(message));
    else this.#apply(message);
  }

  /** @param {Chat.FromRelay} message */
  async #takeSealed(message) {
    if (message.kind === "entry") {
      this.#opened(message, await this.room.seal?.open(message.text, message.from), (text) => ({ ...message, text }));
    } else if (message.kind === "notice" && message.notice === "topic" && message.fields.text) {
      const opened = await this.room.seal?.open(String(message.fields.text), null);
      this.#opened(message, opened, (text) => ({ ...message, fields: { text } }));
    } else {
      this.#apply(message);
    }
  }

  /**
   * @param {Chat.FromRelay & { seq?: number | undefined }} message
   * @param {{ text: string } | { problem: string } | null | undefined} opened
   * @param {(text: string) => Chat.FromRelay} readable
   */
  #opened(message, opened, readable) {
    if (opened && "text" in opened) {
      this.#apply(readable(opened.text));
      return;
    }
    if (opened) this.room.history.add("problem", opened.problem);
    this.#hear(message.seq);
  }

  /** @param {Chat.FromRelay} message */
  #apply(message) {
    const { room } = this;
    const seq = "seq" in message ? message.seq : undefined;
    if (seq !== undefined && seq <= (room.session.seat?.heard ?? 0)) return; // a replay never shows anything twice
    switch (message.kind) {
      case "entry":
        this.#say(message.from, message.text, message.seq);
        break;
      case "took":
        room.speaker.answer(message.n, message.seq ?? 0, null);
        break;
      case "refused":
        room.speaker.answer(message.n, 0, notTaken(message.reason, message.message));
        break;
      case "gone":
        room.history.add("problem", lostHere(message.count));
        break;
      case "notice":
        this.#notice(message);
        break;
    }
    this.#hear(seq);
  }

  /** @param {number | undefined} seq */
  #hear(seq) {
    const { seat } = this.room.session;
    if (seq === undefined || !seat) return;
    seat.heard = Math.max(seat.heard, seq);
    this.room.keeper.saveSoon();
  }

  /**
   * @param {string} from
   * @param {string} text
   * @param {number} seq
   */
  #say(from, text, seq) {
    const { room } = this;
    const own = from !== "" && from === room.ownName; // of one's own seat, before the page was loaded anew
    room.history.add(own ? "own" : "message", text, { from, seq, mention: !own && mentions(room.ownName, text) });
    if (room.roster.hear(from)) room.tell("people");
  }

  /** @param {Notice} notice */
  #notice({ notice, seq = 0, fields }) {
    const name = typeof fields.name === "string" ? fields.name : "";
    const about = this.#aboutPeople(notice, name, fields);
    if (about) {
      this.room.history.add("event", about, { from: name, seq });
      this.room.tell("people");
      return;
    }
    const take = this.#notices[notice];
    if (take) take(fields, seq);
    else if (typeof fields.message === "string" && fields.message) this.#inform(fields.message);
  }

  /** @type {Record<string, (fields: Record<string, unknown>, seq: number) => void>} */
  #notices = {
    topic: (fields, seq) => {
      const text = String(fields.text ?? "");
      const isNews = seq > 0 || text !== this.room.topic || this.isTopicAsked;
      this.room.topic = text;
      this.isTopicAsked = false;
      if (isNews) this.room.history.add("event", text ? _("topic: {text}", { text }) : _("no topic"), { seq });
      this.room.tell("about");
    },
    members: (fields) => this.#members(fields),
    bans: (fields) => this.#banned(fields),
    command_done: (fields) => {
      const { command, name } = fields;
      if (command === "mute" || command === "unmute") this.#mute(String(name), command === "mute");
      this.#inform(done(fields));
    },
    command_failed: (fields) => {
      // Asked for the list of members alone, it is asked for again later.
      const isShown = fields.command !== "who" || this.isAsked;
      if (fields.command === "who") this.isAsked = false;
      if (isShown) this.room.history.add("problem", failed(fields));
    },
    dropped: (fields) => this.#inform(failed(fields)),
    password: (fields) => {
      if (fields.changed === true) this.room.wish.password = fields.set === true ? this.chosenPassword : "";
      this.#inform(passwordState(fields));
    },
    muted: () => {
      this.#mute(this.room.ownName, true);
      this.room.history.add("problem", _("The host muted you: what you say is not relayed."));
    },
    unmuted: () => {
      this.#mute(this.room.ownName, false);
      this.#inform(_("You may speak again."));
    },
  };

  /** @param {string} text */
  #inform(text) {
    this.room.history.add("info", text);
  }

  /**
   * @param {string} name
   * @param {boolean} muted
   */
  #mute(name, muted) {
    this.room.roster.mute(name, muted);
    this.room.tell("people");
  }

  /**
   * Take note of who comes and goes; returns a line that says so.
   *
   * @param {string} notice
   * @param {string} name
   * @param {Record<string, unknown>} fields
   */
  #aboutPeople(notice, name, fields) {
    const { roster } = this.room;
    switch (notice) {
      case "member_joined":
        roster.add(name);
        return _("{name} joined", { name });
      case "member_left":
        roster.remove(name);
        return _("{name} left", { name });
      case "member_evicted":
        roster.remove(name);
        return _("{name} was disconnected ({reason})", { name, reason: inAWord(String(fields.reason ?? "")) });
      case "host_changed":
        roster.handOver(name);
        this.room.session.isHost = name === this.room.ownName;
        return _("{name} is the host now", { name });
    }
    return "";
  }

  /** @param {Record<string, unknown>} fields */
  #members(fields) {
    const { room } = this;
    if (!room.roster.takeList(fields)) return;
    room.tell("people");
    if (!this.isAsked) return;
    this.isAsked = false;
    const names = room.roster.people.map(({ name, host, muted, away }) =>
      name + (host ? _(" (host)") : muted ? _(" (muted)") : "") + (away ? _(" (away)") : ""));
    const [count, more] = [room.roster.size, room.roster.others];
    room.history.add("info", more ? _("{count} here: {names}, and {more} more.", { count, names: names.join(", "), more })
      : _("{count} here: {names}.", { count, names: names.join(", ") }));
  }

  /** @param {Record<string, unknown>} fields */
  #banned(fields) {
    if (fields.part === undefined || fields.part === 1) this.#bans = [];
    if (Array.isArray(fields.names)) this.#bans.push(...fields.names.map(String));
    if (fields.more === true) return;
    const names = this.#bans.join(", ");
    const more = Number(fields.unlisted ?? 0);
    this.room.history.add("info", !names ? _("Banned: nobody.")
      : more ? _("Banned: {names}, and {more} more.", { names, more }) : _("Banned: {names}.", { names }));
  }
}

/** @param {Record<string, unknown>} fields */
function passwordState(fields) {
  if (fields.changed === true) {
    return fields.set === true
      ? _("The room has a new password. Unless the chat is encrypted, whoever listens on the way knows it.")
      : _("The room has no password any more.");
  }
  return fields.set === true
    ? _("The room has a password: /password NEW sets one, /password - removes it.")
    : _("The room has no password: /password NEW sets one, /password - removes it.");
}
