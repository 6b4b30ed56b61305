// One's place in one room: joined, taken again after each broken connection, and given up only for a reason (RES-01).

import { Backoff } from "./backoff.js";
import { Connection, QUIET } from "./connection.js";
import { AWAY, CUT, FINAL, PASSING, Status } from "./statuses.js";
import { encodeLeave } from "./wire.js";
import { NO_ANSWER } from "./wording.js";

/** Who looks at the page again asks whether the relay is still there, if it said nothing for so long. */
const PROBE_AFTER = 5_000;
/** Who waits so long for an answer when the device wakes up waits in vain. */
const HANGS_AFTER = 3_000;

/**
 * @typedef {Chat.Refused | { bye: string, banned: boolean }} End a refusal, or the relay's last word
 * @typedef {{ resumed: boolean, created: boolean, back: boolean, wasHost: boolean }} How
 * @typedef {object} Owner
 * @property {(granted: Chat.Granted, how: How) => void} onjoined
 * @property {(message: Chat.FromRelay) => void} onmessage
 * @property {(cause: End | null, delay: number, attempt: number) => void} onwaiting
 *   the connection broke, and there is another attempt after so many milliseconds
 * @property {(end: End) => void} onended
 * @property {() => void} onconnecting
 * @property {() => void} onseatlost nobody knows any more what was said and not answered
 */

/** @type {End} */
const UNHEARD = { bye: NO_ANSWER, banned: false };

/** Keeps one place; its owner hears how it fares. */
export class Session {
  /** @type {Connection | null} */
  #connection = null;
  /** @type {number | undefined} */
  #timer;
  #attempt = "";
  #wasIn = false;
  #lockedOut = false;
  /** @type {{ bye: string, banned: boolean } | null} */
  #bye = null;

  /**
   * @param {Chat.World} world
   * @param {Chat.Wish} wish
   * @param {Chat.Seat | null} seat from before the page was loaded again
   * @param {Owner} owner
   */
  constructor(world, wish, seat, owner) {
    this.world = world;
    this.wish = wish;
    this.owner = owner;
    this.seat = seat;
    this.backoff = new Backoff(world.random);
    this.isHost = seat?.host ?? false;
    this.create = wish.create && !seat;
    this.isIn = false;
    this.#wasIn = seat !== null;
  }

  /** Begin, or try again at once. */
  connect() {
    this.#stop();
    this.#bye = null;
    // Until there is an answer all that ask for the same are one attempt (RES-02).
    this.#attempt ||= this.world.nonce();
    this.#connection = new Connection(this.world, this.#fields(), {
      onanswer: (answer) => this.#answered(answer),
      onmessage: (message) => this.#heard(message),
      onclose: () => this.#broke(),
    });
    this.owner.onconnecting();
  }

  /** @param {string} text */
  send(text) {
    if (this.isIn) this.#connection?.send(text);
  }

  /** Leave for good. */
  leave() {
    this.send(encodeLeave());
    this.#stop();
    this.seat = null;
  }

  /** Look after the connection now: the device woke up, or has a network again. */
  wake() {
    const silence = this.#connection ? this.world.now() - this.#connection.heardAt : 0;
    if (this.isIn && silence < QUIET) {
      if (silence > PROBE_AFTER) this.#connection?.probe();
    } else if (this.#timer !== undefined || silence > HANGS_AFTER) {
      this.backoff.hurry(); // a network often comes a little later than the event that says so
      this.connect();
    }
  }

  /** @returns {Chat.JoinFields} */
  #fields() {
    const { wish, seat } = this;
    return {
      room: wish.room,
      name: wish.name,
      password: seat?.ticket ? null : wish.password || null,
      create: this.create && !seat?.ticket,
      sealed: Boolean(wish.key),
      resume: seat?.ticket || null,
      epoch: seat?.epoch || null,
      heard: seat?.epoch ? seat.heard : null,
      attempt: this.#attempt,
      features: features(wish),
    };
  }

  /** @param {Chat.Answer} answer */
  #answered(answer) {
    this.#attempt = "";
    if (!("ticket" in answer)) {
      this.#refused(answer);
      return;
    }
    const how = { resumed: Boolean(this.seat?.ticket), created: this.create, back: this.#wasIn, wasHost: this.isHost };
    // Without a resumed seat numbers go on from the newest one: what is older is nobody's loss.
    const heard = this.seat && this.seat.epoch === answer.epoch ? this.seat.heard : answer.seq;
    this.seat = { ticket: answer.ticket, epoch: answer.epoch, heard, host: answer.host, limit: answer.maxMessageBytes };
    this.isHost = answer.host;
    this.isIn = this.#wasIn = true;
    this.create = this.#lockedOut = false;
    this.backoff.succeed(this.world.now());
    this.owner.onjoined(answer, how);
  }

  /** @param {Chat.Refused} refusal */
  #refused(refusal) {
    this.#connection?.close();
    const { status } = refusal;
    if (status === Status.NO_SEAT && this.seat) {
      this.#loseSeat();
      this.connect();
    } else if (!this.#wasIn || !this.#mayPass(status)) {
      this.#end(refusal);
    } else if (this.#learn(status)) {
      this.connect();
    } else {
      this.#plan(refusal, !AWAY.has(status));
    }
  }

  /**
   * Take note of whether there is such a room; returns whether to create it at once.
   *
   * @param {number} status
   */
  #learn(status) {
    const joined = !this.create;
    if (status === Status.ROOM_EXISTS) this.create = false;
    // The relay was restarted, and with it a room is gone that is one's own to make.
    else if (status === Status.NO_SUCH_ROOM || status === Status.WRONG_PASSWORD) this.create ||= this.isHost;
    return joined && this.create;
  }

  /** @param {number} status */
  #mayPass(status) {
    if (status !== Status.WRONG_PASSWORD) return PASSING.has(status);
    // A relay that hides its rooms says this of one that is gone (PWD-05): a host tries to create it anew, once.
    const first = !this.#lockedOut;
    this.#lockedOut = true;
    return first && this.isHost;
  }

  /** @param {Chat.FromRelay} message */
  #heard(message) {
    if (message.kind === "bye") {
      this.#bye = { bye: message.reason, banned: message.banned };
      if (!CUT.has(message.reason)) this.#loseSeat();
      if (FINAL.has(message.reason)) this.#end(this.#bye);
      return;
    }
    this.owner.onmessage(message);
  }

  #broke() {
    this.isIn = false;
    if (this.#wasIn) this.#plan(this.#bye, false);
    else this.#end(UNHEARD);
  }

  /**
   * @param {End | null} lost
   * @param {boolean} refused
   */
  #plan(lost, refused) {
    this.isIn = false;
    const delay = this.backoff.fail(this.world.now(), refused);
    if (delay === null) {
      this.#end(lost ?? UNHEARD);
      return;
    }
    this.#timer = this.world.setTimer(() => this.connect(), delay);
    this.owner.onwaiting(lost, delay, this.backoff.attempt);
  }

  #loseSeat() {
    this.seat = null;
    this.owner.onseatlost();
  }

  /** @param {End} end */
  #end(end) {
    this.#stop();
    if (this.seat) this.#loseSeat();
    this.owner.onended(end);
  }

  #stop() {
    this.isIn = false;
    this.world.clearTimer(this.#timer ?? 0);
    this.#timer = undefined;
    this.#connection?.close();
    this.#connection = null;
  }
}

/**
 * Without a key a sealed room is no place to be: the relay says so (SEAL-03) before anybody there hears of one.
 *
 * @param {Chat.Wish} wish
 */
const features = ({ key }) => ["notices", "resume", ...(key ? ["sealed"] : [])];
