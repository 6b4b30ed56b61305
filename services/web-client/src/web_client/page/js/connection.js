// One WebSocket: the join and its answer, then messages both ways, until it breaks.

import { encodeJoin, encodePing, encodePong, parseAnswer, parseMessage } from "./wire.js";

/** Opening, and the answer to a join, take so long at most. */
const JOIN_PATIENCE = 20_000;
/** The relay pings every 15 s (STR-07): who hears nothing for so long has lost it. */
export const QUIET = 40_000;
/** So long a question whether the relay is still there may take. */
const PROBE_PATIENCE = 4_000;

/** Calls back in order: `onanswer` once, `onmessage` for each message after it, `onclose` once unless `close` was called. */
export class Connection {
  /** @type {number | undefined} */
  #timer;
  #open = true;
  #joined = false;
  #pings = 0;
  #isProbed = false;

  /**
   * @param {Chat.World} world
   * @param {Chat.JoinFields} join
   * @param {{ onanswer(answer: Chat.Answer): void, onmessage(message: Chat.FromRelay): void, onclose(): void }} owner
   */
  constructor(world, join, owner) {
    this.world = world;
    this.owner = owner;
    this.heardAt = world.now();
    this.socket = world.openSocket();
    this.socket.onopen = () => this.send(encodeJoin(join));
    this.socket.onmessage = (event) => this.#hear(event.data);
    this.socket.onclose = () => this.#break();
    this.#wait(JOIN_PATIENCE);
  }

  /** @param {string} text */
  send(text) {
    if (this.#open) this.socket.send(text);
  }

  /** Ask whether the relay is still there: a device that slept, or changed its network, isn't told that it isn't. */
  probe() {
    if (this.#isProbed) return; // to ask again would be to wait longer
    this.#isProbed = true;
    this.send(encodePing(++this.#pings));
    this.#wait(PROBE_PATIENCE);
  }

  close() {
    if (!this.#open) return;
    this.#open = false;
    this.world.clearTimer(this.#timer ?? 0);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }

  /** @param {unknown} data */
  #hear(data) {
    this.heardAt = this.world.now();
    this.#isProbed = false;
    this.#wait(QUIET);
    try {
      if (this.#joined) this.#take(parseMessage(data));
      else this.#answer(parseAnswer(data));
    } catch (error) {
      console.error(error); // a broken message must not end the page; a connection with one is made anew
      this.#break();
    }
  }

  /** @param {Chat.Answer} answer */
  #answer(answer) {
    this.#joined = answer.status === 0;
    this.owner.onanswer(answer);
    // The first message to the relay ends the session that was before this one (RES-01). Who doesn't want the place after
    // all has left by now, and says nothing more.
    if (this.#joined) this.send(encodePing(++this.#pings));
  }

  /** @param {Chat.FromRelay} message */
  #take(message) {
    if (message.kind === "ping") this.send(encodePong(message.number));
    else this.owner.onmessage(message);
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    this.world.clearTimer(this.#timer ?? 0);
    this.#timer = this.world.setTimer(() => this.#break(), milliseconds);
  }

  #break() {
    if (!this.#open) return;
    this.close();
    this.owner.onclose();
  }
}
