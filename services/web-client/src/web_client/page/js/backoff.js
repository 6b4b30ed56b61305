// When to try again, and when to give up.

const FIRST_DELAY = 500;
const MAX_DELAY = 30_000;
/** How long to ask a relay that says no; longer than it takes to free one's own name. */
const MAX_REFUSED = 900_000;
/** A connection that lasted so long was a good one: attempts count from 1 again. */
const SOUND_AFTER = 30_000;

/** Counts the attempts to win one place back; times are in milliseconds. */
export class Backoff {
  attempt = 0;
  #refusedFrom = 0;
  #soundAt = Infinity;

  /** @param {() => number} random from 0 to 1 */
  constructor(random) {
    this.random = random;
  }

  /** @param {number} now */
  succeed(now) {
    this.#soundAt = now + SOUND_AFTER;
  }

  /** Begin anew with short pauses, after all but the first attempt: things have changed. */
  hurry() {
    this.attempt = Math.min(this.attempt, 1);
  }

  /**
   * Plan the next attempt; returns how long to wait, or null if it is time to give up.
   *
   * @param {number} now
   * @param {boolean} refused only attempts that were refused come to an end by time
   */
  fail(now, refused) {
    if (now >= this.#soundAt) this.attempt = 0;
    this.#soundAt = Infinity;
    if (!this.attempt || !refused) this.#refusedFrom = now;
    if (now - this.#refusedFrom >= MAX_REFUSED) return null;
    this.attempt++;
    // With jitter, so that not everybody comes back at the same moment.
    return Math.min(FIRST_DELAY * 2 ** Math.min(this.attempt - 1, 30), MAX_DELAY) * (0.5 + this.random() / 2);
  }
}
