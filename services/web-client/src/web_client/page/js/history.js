// What was said in one room, a line at a time, the newest at the end.

/** So many lines are kept. */
export const MAX_LINES = 1000;

/** The lines of one room; whoever shows them is told what changed. */
export class History {
  /**
   * @param {(entry: Chat.Entry, change: "added" | "changed" | "moved" | "removed") => void} tell
   * @param {() => number} now
   */
  constructor(tell, now) {
    this.tell = tell;
    this.now = now;
    /** @type {Chat.Entry[]} */
    this.entries = [];
    this.nextId = 1;
  }

  /**
   * Go on with what a page knew before it was loaded again.
   *
   * @param {Chat.SavedLog} log
   */
  restore(log) {
    this.entries = log.entries;
    this.nextId = log.nextId;
  }

  /** @param {number} id */
  get(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  get newestId() {
    return this.entries.at(-1)?.id ?? 0;
  }

  /**
   * @param {Chat.Entry["kind"]} kind
   * @param {string} text
   * @param {Partial<Chat.Entry>} [more]
   * @returns {Chat.Entry}
   */
  add(kind, text, more = {}) {
    /** @type {Chat.Entry} */
    const entry = { id: this.nextId++, kind, from: "", text, at: this.now(), seq: 0, ...more };
    this.entries.push(entry);
    this.tell(entry, "added");
    if (this.entries.length > MAX_LINES) {
      const oldest = this.entries.shift();
      if (oldest) this.tell(oldest, "removed");
    }
    return entry;
  }

  /**
   * @param {number} id
   * @param {Partial<Chat.Entry>} fields
   */
  change(id, fields) {
    const entry = this.get(id);
    if (!entry) return;
    Object.assign(entry, fields);
    this.tell(entry, "changed");
  }

  /**
   * Take note that one's own message was taken, and put it where the room has it: behind all that came before.
   *
   * @param {number} id
   * @param {number} seq
   */
  place(id, seq) {
    const entry = this.get(id);
    if (!entry) return;
    Object.assign(entry, { state: "taken", why: "", seq });
    const at = this.entries.indexOf(entry);
    const last = seq ? this.entries.findLastIndex((each) => each.seq > 0 && each.seq < seq) : -1;
    if (last > at) {
      this.entries.splice(at, 1);
      this.entries.splice(last, 0, entry);
      this.tell(entry, "moved");
    } else {
      this.tell(entry, "changed");
    }
  }

  /** @param {number} id */
  remove(id) {
    const entry = this.get(id);
    if (!entry) return;
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.tell(entry, "removed");
  }
}
