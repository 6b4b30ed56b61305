// Names and texts: what may be shown, how long it is, and what reads the same.

/** What stands for a line's end in a text that has one line (UDP-11). */
export const NEWLINE_SIGN = "\u23ce";
/** A room's or a person's name has so many bytes at most (TCP-02). */
export const MAX_NAME_BYTES = 255;
/** A topic has so many bytes at most (MOD-07). */
export const MAX_TOPIC_BYTES = 512;

const NEWLINES = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202c\u2066-\u2069]/g;
// What drives terminals, turns or reshapes letters, or isn't seen at all; a tab may stay.
const HARMFUL = /[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u202d\u202e\u206a-\u206f\ufff0-\ufffb]/g;
// England, Scotland and Wales are spelt in tags; no other text needs them.
const TAGS = /(\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f})|[\u{e0000}-\u{e00ff}\u{e01f0}-\u{e0fff}]/gu;
const PILED_MARKS = /([\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]+/gu;
const LONE_SURROGATES = /\p{Surrogate}/gu;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

const encoder = new TextEncoder();

/**
 * Make a text harmless to show in one line (UDP-11).
 *
 * @param {string} text
 */
export function sanitize(text) {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text
    .replace(NEWLINES, NEWLINE_SIGN)
    .replace(DIRECTION_MARKS, "")
    .replace(HARMFUL, "\ufffd")
    .replace(LONE_SURROGATES, "\ufffd")
    .replace(TAGS, (_found, flag) => flag ?? "\ufffd")
    .replace(PILED_MARKS, "$1\ufffd");
}

/** @param {string} text */
export const byteLength = (text) => encoder.encode(text).length;

/**
 * Return what two spellings of one text have in common, as the relay compares names (ROOM-03).
 *
 * @param {string} text
 */
export const fold = (text) => text.normalize("NFKC").toLowerCase().normalize("NFKC");

/**
 * @typedef {"empty" | "long" | "character" | "colon" | "spaces"} Flaw
 */

/**
 * Tell what is wrong with a room's name; null if nothing is.
 *
 * @param {string} name
 * @returns {Flaw | null}
 */
export function flawOfRoom(name) {
  if (!name) return "empty";
  if (byteLength(name) > MAX_NAME_BYTES) return "long";
  return sanitize(name) !== name || name.includes(NEWLINE_SIGN) || name.includes("\t") ? "character" : null;
}

/**
 * Tell what is wrong with a person's name; null if nothing is.
 *
 * @param {string} name
 * @returns {Flaw | null}
 */
export function flawOfUser(name) {
  const flaw = flawOfRoom(name);
  if (flaw) return flaw;
  if (name.includes(":")) return "colon";
  return name !== name.trim() ? "spaces" : null;
}

/**
 * Return the letter that stands for a name.
 *
 * @param {string} name
 */
export function initial(name) {
  const letters = [...name];
  return (letters.find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? letters[0] ?? "").toUpperCase();
}

/** How many colours there are for names. */
export const COLOURS = 12;

/**
 * Choose a person's colour by name alone, the same as in the other apps: CRC-32 of the name.
 *
 * @param {string} name
 */
export function colourOf(name) {
  let crc = ~0;
  for (const byte of encoder.encode(name)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (~crc >>> 0) % COLOURS;
}
