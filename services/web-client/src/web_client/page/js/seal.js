// A sealed room's key at work: what one says is sealed, and what is heard is opened (SEAL-04).

import { _ } from "./i18n.js";
import { Kind, Opener, Sealer, textBytesWithin } from "./sealing.js";
import { sanitize } from "./text.js";

/** One session in one sealed room. */
export class Seal {
  /** Whether others' texts couldn't be opened, so that nobody could read one's own. */
  doubted = false;

  /**
   * @param {string} key
   * @param {string} room
   * @param {string} name
   * @param {boolean} proven whether the key is known to be the room's: one created the room
   */
  constructor(key, room, name, proven) {
    this.key = key;
    this.proven = proven;
    this.sealer = new Sealer(key, room, name);
    this.opener = new Opener(key, room);
  }

  /** @param {string} text */
  seal(text) {
    return this.sealer.seal(text);
  }

  /** @param {string} topic */
  sealTopic(topic) {
    return this.sealer.seal(topic, Kind.TOPIC);
  }

  /** @param {number} limitBytes */
  capacity(limitBytes) {
    return textBytesWithin(limitBytes);
  }

  /**
   * Open what somebody said, or the topic where nobody is named; null if it was said before.
   *
   * @param {string} text
   * @param {string | null} sender
   * @returns {Promise<{ text: string } | { problem: string } | null>}
   */
  async open(text, sender) {
    const opened = await this.opener.open(text, sender ?? "", sender === null ? Kind.TOPIC : Kind.TEXT);
    if ("text" in opened) {
      this.proven = true;
      this.doubted = false;
      return { text: sanitize(opened.text) };
    }
    if (opened.why === "seen") return null;
    // Before anything was opened, one's own key may be the wrong one; after that it is the other's.
    if (opened.why === "broken" && !this.proven) this.doubted = true;
    return { problem: this.#problem(sender, opened.why === "broken") };
  }

  /**
   * @param {string | null} sender
   * @param {boolean} sealed
   */
  #problem(sender, sealed) {
    const what = sender === null ? _("The topic") : _("A message from {name}", { name: sender });
    if (!sealed) return _("{what} isn't sealed, so it is not shown.", { what });
    if (this.proven) return _("{what} can't be opened: it was sealed with another key, or changed on the way.", { what });
    return _(
      "{what} can't be opened: your key is probably not this room's. Nothing you write is sent until something can " +
        "be opened; ask a member for the whole invitation.",
      { what },
    );
  }
}
