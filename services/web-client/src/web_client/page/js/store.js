// What outlives the page: seats and what was said until the tab is closed, recent rooms and choices for longer.
// Keys are kept for a reload alone, in the tab's own storage; never in the list of recent rooms.

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Kept */

const SEAT = "chat.seat.";
const LOG = "chat.log.";
const KEY = "chat.key.";
const SHOWN = "chat.shown";
const RECENTS = "chat.recents";
const CHOICES = "chat.choices";
const MAX_RECENTS = 8;
/** So many lines are shown again after a reload. */
const MAX_KEPT = 500;
/** The tab's storage is small, and shared by its rooms. */
const MAX_KEPT_CHARACTERS = 400_000;

/**
 * Read JSON; null if there is none, or none that can be used.
 *
 * @param {Kept} storage
 * @param {string} name
 * @returns {any}
 */
function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Write JSON if there is room, and the browser allows it: without, the page works until it is closed.
 *
 * @param {Kept} storage
 * @param {string} name
 * @param {unknown} value
 */
function write(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch (error) {
    console.warn(error);
  }
}

/**
 * Return a browser's storage, or one that lasts as long as the page where the browser allows none.
 *
 * @param {() => Storage} get
 * @returns {Kept}
 */
export function storageOr(get) {
  try {
    return get();
  } catch {
    /** @type {any} */
    const kept = Object.create({
      getItem: (/** @type {string} */ name) => kept[name] ?? null,
      setItem: (/** @type {string} */ name, /** @type {string} */ value) => { kept[name] = value; },
      removeItem: (/** @type {string} */ name) => { delete kept[name]; },
    });
    return kept;
  }
}

/** The two storages of a browser. */
export class Store {
  /**
   * @param {Kept} tab
   * @param {Kept} browser
   */
  constructor(tab, browser) {
    this.tab = tab;
    this.browser = browser;
  }

  /**
   * Return the rooms in which this tab was when it was loaded again.
   *
   * @returns {{ saved: Chat.SavedSeat, log: Chat.SavedLog | null }[]}
   */
  rooms() {
    const names = Object.keys(this.tab).filter((name) => name.startsWith(SEAT));
    return names
      .map((name) => ({ saved: read(this.tab, name), log: read(this.tab, LOG + name.slice(SEAT.length)) }))
      .filter(({ saved }) => isSeat(saved))
      .map(({ saved, log }) => ({ saved, log: Array.isArray(log?.entries) ? log : null }));
  }

  /**
   * @param {string} room
   * @returns {Chat.Keep}
   */
  keep(room) {
    return {
      saveSeat: (seat) => write(this.tab, SEAT + room, seat),
      saveLog: (log) => write(this.tab, LOG + room, { ...log, entries: newest(log.entries) }),
      forget: () => {
        for (const kind of [SEAT, LOG, KEY]) this.tab.removeItem(kind + room);
      },
    };
  }

  /**
   * Keep a key that came by the page's address, from which it is taken at once.
   *
   * @param {string} room
   * @param {string} key
   */
  saveKey(room, key) {
    write(this.tab, KEY + room, key);
  }

  /**
   * @param {string} room
   * @returns {string}
   */
  keyOf(room) {
    const key = read(this.tab, KEY + room);
    return typeof key === "string" ? key : "";
  }

  /** The name of the room that this tab shows. */
  get shown() {
    return String(read(this.tab, SHOWN) ?? "");
  }

  set shown(room) {
    write(this.tab, SHOWN, room);
  }

  /** @returns {Chat.Recent[]} */
  recents() {
    const found = read(this.browser, RECENTS);
    const listed = Array.isArray(found) ? found : [];
    return listed.filter((each) => typeof each?.room === "string" && typeof each?.name === "string");
  }

  /**
   * @param {string} room
   * @param {string} name
   */
  addRecent(room, name) {
    const others = this.recents().filter((each) => each.room !== room);
    write(this.browser, RECENTS, [{ room, name }, ...others].slice(0, MAX_RECENTS));
  }

  /** @param {string} room */
  removeRecent(room) {
    write(this.browser, RECENTS, this.recents().filter((each) => each.room !== room));
  }

  /** @returns {{ language?: string, name?: string, notify?: boolean }} */
  choices() {
    const found = read(this.browser, CHOICES);
    return typeof found === "object" && found !== null ? found : {};
  }

  /** @param {{ language?: string, name?: string, notify?: boolean }} choices */
  choose(choices) {
    write(this.browser, CHOICES, { ...this.choices(), ...choices });
  }
}

/**
 * Tell whether a seat can be taken again: an older page may have kept something else.
 *
 * @param {any} saved
 */
const isSeat = (saved) =>
  typeof saved?.wish?.room === "string" && Array.isArray(saved.outbox?.letters) &&
  (saved.seat === null || typeof saved.seat?.ticket === "string");

/**
 * Return the newest lines that fit.
 *
 * @param {Chat.Entry[]} entries
 */
function newest(entries) {
  let left = MAX_KEPT_CHARACTERS;
  let from = entries.length;
  while (from > 0 && entries.length - from < MAX_KEPT) {
    left -= (entries[from - 1]?.text.length ?? 0) + 100;
    if (left < 0) break;
    from--;
  }
  return entries.slice(from);
}
