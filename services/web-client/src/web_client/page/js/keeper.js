// What a room knows, kept for when the page is loaded again.

/** After changes, what was said is kept this much later, or when the page is left. */
const SAVE_AFTER = 300;

/** Keeps one room's seat and history. */
export class Keeper {
  /** @type {number | undefined} */
  #planned;

  /**
   * @param {import("./room.js").Room} room
   * @param {Chat.Keep} keep
   */
  constructor(room, keep) {
    this.room = room;
    this.keep = keep;
  }

  saveSoon() {
    this.#planned ??= this.room.world.setTimer(() => this.save(), SAVE_AFTER);
  }

  /** Keep all, now. */
  save() {
    this.#unplan();
    const { history, topic, quiet, session } = this.room;
    if (!session.seat) return;
    this.keep.saveLog({ heard: session.seat.heard, entries: history.entries, nextId: history.nextId, topic, quiet });
    this.saveSeat();
  }

  /** Keep what must be known at any moment: the ticket, and what is on its way. A password is not kept. */
  saveSeat() {
    const { session, speaker, wish, isHost } = this.room;
    if (!session.seat) return;
    const { ticket, epoch, limit } = session.seat;
    this.keep.saveSeat({ wish: { ...wish, password: "" }, seat: { ticket, epoch, limit, host: isHost }, outbox: speaker.outbox.save() });
  }

  forget() {
    this.#unplan();
    this.keep.forget();
  }

  #unplan() {
    this.room.world.clearTimer(this.#planned ?? 0);
    this.#planned = undefined;
  }
}
