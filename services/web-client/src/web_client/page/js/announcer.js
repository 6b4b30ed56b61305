// What screen readers are told: new messages, text first, at most one announcement a second.

import { ngettext } from "./i18n.js";

const PAUSE = 1000;
/** More than so many at once are counted instead of read. */
const MANY = 3;

/** Speaks through a polite live region. */
export class Announcer {
  /** @type {string[]} */
  #waiting = [];
  #isBusy = false;

  /**
   * @param {{ textContent: string | null }} region
   * @param {(then: () => void, milliseconds: number) => void} later
   */
  constructor(region, later) {
    this.region = region;
    this.later = later;
  }

  /** @param {string} text */
  say(text) {
    this.#waiting.push(text);
    if (!this.#isBusy) this.#speak();
  }

  #speak() {
    const waiting = this.#waiting;
    this.#isBusy = waiting.length > 0;
    if (!this.#isBusy) return;
    this.#waiting = [];
    this.region.textContent = waiting.length > MANY
      ? ngettext("{count} new message", "{count} new messages", waiting.length) : waiting.join("\n");
    this.later(() => this.#speak(), PAUSE);
  }
}
