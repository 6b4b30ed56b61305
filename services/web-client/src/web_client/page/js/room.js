// One room: what is said in it, who is there, and how one is in. Nothing here knows how it is shown.

import { NOT_SEALED, wayBack, wordsOf } from "./afterwards.js";
import { parseCommand } from "./commands.js";
import { History } from "./history.js";
import { _ } from "./i18n.js";
import { Keeper } from "./keeper.js";
import { Receiver } from "./receiver.js";
import { Roster } from "./roster.js";
import { Seal } from "./seal.js";
import { Session } from "./session.js";
import { Speaker } from "./speaker.js";
import { interruption } from "./wording.js";

/** After a broken connection others come back, too: once they had time to, they are asked for. */
const WHO_AGAIN = 10_000;

/** Dispatches "lines" with an entry and what changed, "people", "state", "about" and "unread". */
export class Room extends EventTarget {
  /** @type {Chat.State} */
  state = { is: "connecting" };
  topic = "";
  unread = 0;
  mentioned = 0;
  /** Whether notifications are off. */
  quiet = false;
  /** Whether the relay obeys commands. */
  obeys = false;
  /** What the relay says of its page's address. */
  web = "";
  /** @type {Seal | null} */
  seal = null;
  /** Whether somebody looks at this room. */
  isLookedAt = false;
  /** The newest line that was there when somebody looked away; 0 if all is read. */
  readTo = 0;

  /**
   * @param {Chat.World} world
   * @param {Chat.Keep} keep
   * @param {Chat.Wish} wish
   * @param {{ saved: Chat.SavedSeat, log: Chat.SavedLog | null } | null} [before] from before the page was loaded again
   */
  constructor(world, keep, wish, before = null) {
    super();
    this.world = world;
    this.keeper = new Keeper(this, keep);
    this.wish = wish;
    this.roster = new Roster();
    this.history = new History((entry, change) => this.#changed(entry, change), world.now);
    this.speaker = new Speaker(this, before?.saved.outbox);
    this.receiver = new Receiver(this);
    const log = before?.log;
    if (log) {
      this.history.restore(log);
      this.readTo = this.history.newestId;
      this.topic = log.topic;
      this.quiet = log.quiet;
    }
    if (wish.key) this.seal = new Seal(wish.key, wish.room, wish.name, wish.create);
    const seat = before?.saved.seat;
    this.session = new Session(world, wish, seat ? { ...seat, heard: log?.heard ?? 0 } : null, this.#owner());
  }

  get name() {
    return this.wish.room;
  }

  get ownName() {
    return this.wish.name;
  }

  get isHost() {
    return this.roster.get(this.ownName)?.host ?? this.session.isHost;
  }

  /** How many bytes a message may have; 0 if that isn't known. */
  get limit() {
    const limit = this.session.seat?.limit ?? 0;
    return this.seal && limit ? this.seal.capacity(limit) : limit;
  }

  connect() {
    this.session.connect();
  }

  /**
   * Join again after the place was lost, perhaps by another name or with another password.
   *
   * @param {Partial<Chat.Wish>} changes
   */
  joinAgain(changes) {
    this.wish = { ...this.wish, create: false, ...changes };
    if (this.wish.key) this.seal = new Seal(this.wish.key, this.name, this.ownName, this.wish.create);
    this.session = new Session(this.world, this.wish, null, this.#owner());
    this.roster.clear();
    this.connect();
  }

  /**
   * Give the relay a command, if it can hear it now.
   *
   * @param {string} text
   */
  command(text) {
    if (!this.session.isIn) {
      this.history.add("problem", _("You are not in the room right now: try again when you are back."));
    } else if (!this.obeys) {
      this.history.add("problem", _("This relay has no commands: nothing was sent."));
    } else {
      const asked = parseCommand(text);
      if (asked?.word === "who") this.receiver.isAsked = true;
      if (asked?.word === "topic") this.receiver.isTopicAsked = true;
      if (asked?.word === "password") this.receiver.chosenPassword = asked.argument;
      this.speaker.command(text);
    }
  }

  /** Ask who is here, for the list of members alone: it also tells who is away. */
  refreshPeople() {
    if (this.session.isIn && this.obeys && !this.receiver.isAsked) this.speaker.command("/who");
  }

  /** Leave for good; nothing of it is kept. */
  leave() {
    this.session.leave();
    this.keeper.forget();
  }

  /** @param {boolean} looks whether somebody looks at this room */
  look(looks) {
    if (looks === this.isLookedAt) return;
    this.isLookedAt = looks;
    if (!looks) this.readTo = this.history.newestId;
    else if (!this.unread) this.readTo = 0; // what comes now is seen at once
    else {
      this.unread = this.mentioned = 0;
      this.tell("unread");
    }
  }

  /** @param {boolean} quiet */
  setQuiet(quiet) {
    this.quiet = quiet;
    this.keeper.save();
    this.tell("unread");
  }

  /** @param {string} type */
  tell(type) {
    this.dispatchEvent(new Event(type));
  }

  /** @returns {import("./session.js").Owner} */
  #owner() {
    return {
      onconnecting: () => this.#be({ is: "connecting" }),
      onjoined: (granted, how) => this.#joined(granted, how),
      onmessage: (message) => this.receiver.take(message),
      onwaiting: (cause, delay, attempt) => {
        this.#be({ is: "waiting", words: interruption(cause), at: this.world.now() + delay, attempt });
      },
      onended: (end) => this.#ended(end),
      onseatlost: () => this.speaker.lose(),
    };
  }

  /**
   * @param {Chat.Granted} granted
   * @param {import("./session.js").How} how
   */
  #joined(granted, how) {
    if (granted.sealed !== Boolean(this.seal)) {
      this.session.leave();
      this.#ended({ status: granted.sealed ? 13 : NOT_SEALED, message: "", fields: {}, banned: false });
      return;
    }
    this.obeys = granted.moderation;
    this.web = granted.web;
    this.#welcome(granted, how);
    if (!how.resumed) this.roster.clear();
    this.roster.add(this.ownName);
    if (granted.host) this.roster.handOver(this.ownName);
    this.receiver.isAsked = false;
    this.#be({ is: "in" });
    this.speaker.repeat();
    this.refreshPeople();
    if (how.back) this.world.setTimer(() => this.refreshPeople(), WHO_AGAIN);
    // Whoever creates the room anew after the relay was restarted gives it its topic again.
    if (how.created && how.back && this.topic && this.obeys) this.speaker.command(`/topic ${this.topic}`);
    this.keeper.save();
  }

  /**
   * @param {Chat.Granted} granted
   * @param {import("./session.js").How} how
   */
  #welcome(granted, how) {
    const fields = { room: this.name, name: this.ownName };
    if (how.resumed) return;
    if (how.back) {
      this.history.add("info", how.wasHost && !granted.host
        ? _("You are back, but another member is the host now.") : _("You are back; you may have missed something."));
    } else {
      this.history.add("info", how.created
        ? _("You created {room} and are its host, as {name}: it closes when you leave.", fields)
        : _("You are in {room} as {name}.", fields));
    }
  }

  /** @param {import("./session.js").End} end */
  #ended(end) {
    this.speaker.end();
    this.keeper.forget();
    this.#be({ is: "ended", words: wordsOf(end), status: "status" in end ? end.status : 0, may: wayBack(end, this.isHost) });
  }

  /** @param {Chat.State} state */
  #be(state) {
    this.state = state;
    this.tell("state");
  }

  /**
   * @param {Chat.Entry} entry
   * @param {"added" | "changed" | "moved" | "removed"} change
   */
  #changed(entry, change) {
    if (change === "added" && entry.kind === "message" && !this.isLookedAt) {
      this.unread++;
      if (entry.mention) this.mentioned++;
      this.tell("unread");
    }
    this.dispatchEvent(new CustomEvent("lines", { detail: { entry, change } }));
    this.keeper.saveSoon();
  }
}
