// One's own words on their way: numbered, said again after a broken connection, and answered once (RCP-02, STR-05).

import { MAX_NUMBER } from "./wire.js";

/** So many may be unanswered. */
const MAX_UNANSWERED = 32;
/** So many may wait while there is no way to send them. */
export const MAX_WAITING = 200;

/** Words from the first key to the relay's answer; a page that is loaded again goes on with the same numbers. */
export class Outbox {
  /** @param {{ n: number, letters: Chat.Letter[] }} [saved] */
  constructor(saved = { n: 0, letters: [] }) {
    this.n = saved.n;
    /** @type {Chat.Letter[]} */
    this.letters = saved.letters.map((letter) => ({ ...letter }));
  }

  get full() {
    return this.letters.length >= MAX_WAITING;
  }

  save() {
    return { n: this.n, letters: this.letters };
  }

  /**
   * @param {number} id as the room's history knows it
   * @param {string} text
   * @param {boolean} command for the relay of now, and for no other that comes after it
   */
  add(id, text, command) {
    this.letters.push({ id, n: 0, text, command });
  }

  /**
   * Number as many of those that wait as may be sent now.
   *
   * @returns {Chat.Letter[]}
   */
  takeNew() {
    const room = MAX_UNANSWERED - this.letters.filter((letter) => letter.n).length;
    const due = this.letters.filter((letter) => !letter.n).slice(0, Math.max(0, room));
    for (const letter of due) {
      this.n = (this.n % MAX_NUMBER) + 1;
      letter.n = this.n;
    }
    return due;
  }

  /**
   * Return all that is unanswered: who resumes says it again, and the relay relays it once.
   *
   * @returns {Chat.Letter[]}
   */
  takeAgain() {
    return this.letters.filter((letter) => letter.n);
  }

  /**
   * Take the relay's answer; null if it was answered before.
   *
   * @param {number} n
   * @returns {Chat.Letter | null}
   */
  answer(n) {
    const letter = this.letters.find((each) => each.n === n) ?? null;
    this.letters = this.letters.filter((each) => each !== letter);
    return letter;
  }

  /**
   * Give up what a lost seat leaves unanswered, and commands; what waits goes on waiting.
   *
   * @returns {Chat.Letter[]}
   */
  lose() {
    const lost = this.letters.filter((letter) => letter.n || letter.command);
    this.letters = this.letters.filter((letter) => !lost.includes(letter));
    return lost;
  }

  /** @returns {Chat.Letter[]} */
  end() {
    const lost = this.letters;
    this.letters = [];
    return lost;
  }
}
