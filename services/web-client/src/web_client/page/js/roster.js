// Who is in a room: as the relay lists them, and as they come and go after that.

/** So many are kept by name; the others are counted. */
const MAX_PEOPLE = 2000;
const MAX_COUNTED = 1e9;

/** The people of one room, in the order in which they came. */
export class Roster {
  /** @type {Map<string, Chat.Person>} */
  #people = new Map();
  /** @type {Map<string, Chat.Person>} */
  #listed = new Map();
  /** How many more there are, whose names aren't kept. */
  others = 0;

  get size() {
    return this.#people.size + this.others;
  }

  /** Everybody who is known by name, the host first. */
  get people() {
    return [...this.#people.values()].sort((one, other) => Number(other.host) - Number(one.host));
  }

  /** @param {string} name */
  get(name) {
    return this.#people.get(name);
  }

  clear() {
    this.#people.clear();
    this.#listed.clear();
    this.others = 0;
  }

  /** @param {string} name */
  add(name) {
    if (this.#people.has(name)) this.#change(name, { away: false });
    else if (this.#people.size < MAX_PEOPLE) this.#people.set(name, { name, host: false, muted: false, away: false });
    else this.others++;
  }

  /** @param {string} name */
  remove(name) {
    if (!this.#people.delete(name) && this.others) this.others--;
  }

  /**
   * Take note that somebody spoke, who is so no longer away; returns whether that is new.
   *
   * @param {string} name
   */
  hear(name) {
    return Boolean(this.#people.get(name)?.away) && this.#change(name, { away: false });
  }

  /** @param {string} name */
  handOver(name) {
    for (const person of this.#people.values()) if (person.host) this.#change(person.name, { host: false });
    this.add(name);
    this.#change(name, { host: true });
  }

  /**
   * @param {string} name
   * @param {boolean} muted
   */
  mute(name, muted) {
    this.#change(name, { muted });
  }

  /**
   * Take the relay's list, or a further part of it (MOD-02); returns whether it is whole now.
   *
   * @param {Record<string, unknown>} fields
   */
  takeList(fields) {
    const { members, part, more, total } = fields;
    if (!Array.isArray(members)) return false;
    if (part === undefined || part === 1) this.#listed = new Map();
    for (const each of members) {
      if (typeof each?.name === "string" && this.#listed.size < MAX_PEOPLE) {
        const { name, host, muted, away } = each;
        this.#listed.set(name, { name, host: host === true, muted: muted === true, away: away === true });
      }
    }
    if (more === true) return false;
    this.#people = this.#listed;
    this.#listed = new Map();
    const count = typeof total === "number" ? Math.min(total, MAX_COUNTED) : 0;
    this.others = Math.max(0, count - this.#people.size);
    return true;
  }

  /**
   * @param {string} name
   * @param {Partial<Chat.Person>} fields
   */
  #change(name, fields) {
    const person = this.#people.get(name);
    if (person) this.#people.set(name, { ...person, ...fields });
    return person !== undefined;
  }
}
