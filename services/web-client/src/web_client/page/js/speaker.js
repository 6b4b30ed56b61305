// What one says in a room: kept until it can be sent, sealed where the room is, and answered by the relay.

import { parseCommand, relayed } from "./commands.js";
import { _ } from "./i18n.js";
import { Outbox } from "./outbox.js";
import { MAX_TOPIC_BYTES, NEWLINE_SIGN, byteLength, sanitize } from "./text.js";
import { encodeSay } from "./wire.js";

/** Speaks for one room. */
export class Speaker {
  /** What is done one after another, for ciphers take their time. */
  #lane = Promise.resolve();

  /**
   * @param {import("./room.js").Room} room
   * @param {{ n: number, letters: Chat.Letter[] }} [saved]
   */
  constructor(room, saved) {
    this.room = room;
    this.outbox = new Outbox(saved);
  }

  /**
   * Say something; it is sent as soon as there is a way.
   *
   * @param {string} text
   */
  say(text) {
    const { history, ownName, seal } = this.room;
    const entry = history.add("own", sanitize(text), { from: ownName, state: "sending" });
    if (seal?.doubted) {
      this.#lose(entry.id, _("Your key opens nothing that others write here, so nothing was sent: ask for the whole invitation."));
    } else {
      this.outbox.add(entry.id, text, false);
      this.deliver();
    }
  }

  /**
   * Give the relay a command; its answer is shown as a notice.
   *
   * @param {string} text
   */
  command(text) {
    this.outbox.add(0, text, true);
    this.deliver();
  }

  /**
   * Say again what was not delivered.
   *
   * @param {number} id
   */
  sayAgain(id) {
    const entry = this.room.history.get(id);
    if (!entry) return;
    this.room.history.remove(id);
    this.say(entry.text.replaceAll(NEWLINE_SIGN, "\n"));
  }

  /** Send what waits. */
  deliver() {
    const letters = this.room.session.isIn ? this.outbox.takeNew() : [];
    this.room.keeper.saveSeat(); // before they are sent: a number must never be used for something else after a reload
    for (const letter of letters) this.#write(letter);
  }

  /** Send again what is unanswered, over a new connection; the relay relays it once. */
  repeat() {
    for (const letter of this.outbox.takeAgain()) this.#write(letter);
    this.deliver();
  }

  /**
   * Take the relay's answer to something one said.
   *
   * @param {number} n
   * @param {number} seq its place in the room; 0 if it has none
   * @param {string | null} why it was not taken; null if it was
   */
  answer(n, seq, why) {
    const letter = this.outbox.answer(n);
    if (!letter) return;
    if (letter.id && why === null) this.room.history.place(letter.id, seq);
    else if (letter.id) this.#lose(letter.id, why ?? "");
    else if (why !== null) this.room.history.add("problem", why);
    this.deliver();
  }

  /** Give up what a lost seat leaves unanswered. */
  lose() {
    this.#giveUp(this.outbox.lose());
  }

  /** Give up everything. */
  end() {
    this.#giveUp(this.outbox.end());
  }

  /**
   * Do something after all that was begun before.
   *
   * @param {() => Promise<void>} work
   */
  inOrder(work) {
    this.#lane = this.#lane.then(work).catch((error) => console.error(error));
    return this.#lane;
  }

  /** @param {Chat.Letter} letter */
  #write({ text, n, command }) {
    const { seal, session } = this.room;
    if (!seal) {
      session.send(encodeSay(command ? text : relayed(text), n));
      return;
    }
    this.inOrder(async () => {
      session.send(encodeSay(command ? await sealCommand(seal, text) : await seal.seal(text), n));
    });
  }

  /** @param {Chat.Letter[]} lost */
  #giveUp(lost) {
    for (const letter of lost) if (letter.id) this.#lose(letter.id, _("no answer came"));
  }

  /**
   * @param {number} id
   * @param {string} why
   */
  #lose(id, why) {
    this.room.history.change(id, { state: "lost", why });
  }
}

/**
 * Return a command as the relay may read it: a new topic is sealed.
 *
 * @param {import("./seal.js").Seal} seal
 * @param {string} text
 */
async function sealCommand(seal, text) {
  const asked = parseCommand(text);
  const topic = sanitize(asked?.argument.trim() ?? "");
  if (asked?.word !== "topic" || !topic || topic === "-" || byteLength(topic) > seal.capacity(MAX_TOPIC_BYTES)) return text;
  return `/topic ${await seal.sealTopic(topic)}`;
}
