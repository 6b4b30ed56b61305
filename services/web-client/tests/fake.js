// A world without a browser: sockets that a test answers, and a clock that it moves.

import { Room } from "../src/web_client/page/js/room.js";

/** The relay's end of one WebSocket. */
export class FakeSocket {
  onopen = null;
  onmessage = null;
  onclose = null;
  /** @type {any[]} */
  sent = [];
  isClosed = false;

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  open() {
    /** @type {any} */ (this.onopen)?.({});
    return this.sent[0].join;
  }

  /** @param {any[]} messages */
  say(...messages) {
    for (const message of messages) {
      /** @type {any} */ (this.onmessage)?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }
  }

  break() {
    /** @type {any} */ (this.onclose)?.({});
  }

  /** What was said, without pings. */
  get said() {
    return this.sent.filter((each) => "say" in each);
  }
}

export class FakeWorld {
  time = 1_000_000;
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {Map<number, { at: number, then: () => void }>} */
  timers = new Map();
  #last = 0;
  nonces = 0;

  openSocket = () => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  };
  now = () => this.time;
  random = () => 1;
  nonce = () => `nonce-number-${String(++this.nonces).padStart(5, "0")}`;

  /**
   * @param {() => void} then
   * @param {number} milliseconds
   */
  setTimer = (then, milliseconds) => {
    this.timers.set(++this.#last, { at: this.time + milliseconds, then });
    return this.#last;
  };

  /** @param {number} timer */
  clearTimer = (timer) => {
    this.timers.delete(timer);
  };

  /** @param {number} milliseconds */
  pass(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at); // one that stood still is late
      due[1].then();
    }
    this.time = end;
  }

  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("There is no socket.");
    return socket;
  }
}

/** What a browser's tab keeps of one room. */
export class FakeKeep {
  /** @type {string | null} */
  seat = null;
  /** @type {string | null} */
  log = null;
  /** @param {Chat.SavedSeat} seat */
  saveSeat = (seat) => {
    this.seat = JSON.stringify(seat);
  };
  /** @param {Chat.SavedLog} log */
  saveLog = (log) => {
    this.log = JSON.stringify(log);
  };
  forget = () => {
    this.seat = this.log = null;
  };

  /** What a page finds that is loaded again. */
  get before() {
    return this.seat ? { saved: JSON.parse(this.seat), log: this.log ? JSON.parse(this.log) : null } : null;
  }
}

/** @type {Chat.Wish} */
export const WISH = { room: "tea", name: "ann", password: "", create: false, key: "" };
export const GRANTED = {
  status: 0, reason: "ok", host: false, resume: "ticket-1", epoch: "e1", seq: 10, max_message_bytes: 1000, moderation: true,
};

/**
 * Make a room that is in.
 *
 * @param {{ wish?: Partial<Chat.Wish>, granted?: Record<string, unknown>, world?: FakeWorld, keep?: FakeKeep }} [how]
 */
export function roomIn({ wish = {}, granted = {}, world = new FakeWorld(), keep = new FakeKeep() } = {}) {
  const room = new Room(world, keep, { ...WISH, ...wish });
  room.connect();
  world.socket.open();
  world.socket.say({ ...GRANTED, ...granted });
  return { room, world, keep, socket: world.socket };
}

/** @param {Room} room */
export const texts = (room) => room.history.entries.map(({ text }) => text);
