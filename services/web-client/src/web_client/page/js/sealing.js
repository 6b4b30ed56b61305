// Sealed rooms: texts that only who has the room's key can read (SEAL-01, SEAL-02). The browser does the cryptography.

/** What a sealed text begins with. */
export const PREFIX = "e2e1.";
/** @enum {number} */
export const Kind = { TEXT: 0, TOPIC: 1 };
/** A text may arrive so many texts later than its sender's newest. */
const WINDOW = 1024;
/** An opener remembers so many sessions of its room. */
const MAX_SENDERS = 4096;
const KEY_BYTES = 16;
const ADDED_BYTES = 8 + 8 + 16;
const INFO = "chat e2e1";

const encoder = new TextEncoder();

/** Whether this page may use the browser's cryptography: only over https, or on one's own machine. */
export const canSeal = () => globalThis.isSecureContext !== false && Boolean(globalThis.crypto?.subtle);

/** @param {string} text */
export const isKey = (text) => decode(text)?.length === KEY_BYTES;

export const makeKey = () => encode(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

/**
 * Return what people compare to see whether they have the same key, such as ``1F3A 90BC 77D2 4E01``.
 *
 * @param {string} key
 */
export async function fingerprint(key) {
  const hashed = concat(encoder.encode(`${INFO} fingerprint`), bytesOf(key));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", hashed)).slice(0, 8);
  const digits = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
  return digits.match(/.{4}/g)?.join(" ") ?? "";
}

/** @param {number} textBytes */
export const sealedBytes = (textBytes) => PREFIX.length + Math.ceil((4 * (textBytes + ADDED_BYTES)) / 3);

/**
 * Return how long a text may be so that it has at most so many bytes when it is sealed.
 *
 * @param {number} limitBytes
 */
export const textBytesWithin = (limitBytes) =>
  Math.max(0, Math.floor((3 * (limitBytes - PREFIX.length)) / 4) - ADDED_BYTES);

/** Seals what one says in one session; a page that is loaded again, or copied, makes another one. */
export class Sealer {
  #counter = 0n;
  /** @type {Promise<CryptoKey>} */
  #cipher;

  /**
   * @param {string} key
   * @param {string} room
   * @param {string} sender
   * @param {Uint8Array<ArrayBuffer>} [senderId]
   */
  constructor(key, room, sender, senderId = crypto.getRandomValues(new Uint8Array(8))) {
    this.#cipher = deriveCipher(key, room, senderId);
    this.room = room;
    this.sender = sender;
    this.senderId = senderId;
  }

  /**
   * @param {string} text
   * @param {number} [kind]
   * @returns {Promise<string>}
   */
  async seal(text, kind = Kind.TEXT) {
    const counter = counterBytes(++this.#counter); // before anything can fail: it is never used again
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: concat(new Uint8Array(4), counter), additionalData: about(kind, this.room, this.sender) },
      await this.#cipher,
      encoder.encode(text),
    );
    return PREFIX + encode(concat(this.senderId, counter, new Uint8Array(sealed)));
  }
}

/** Opens what others say in one room, each text once. */
export class Opener {
  /** @type {Map<string, { cipher: Promise<CryptoKey>, newest: bigint, seen: Set<bigint> }>} */
  #sessions = new Map();

  /**
   * @param {string} key
   * @param {string} room
   */
  constructor(key, room) {
    this.key = key;
    this.room = room;
  }

  /**
   * Open a text that the relay says is from ``sender``; what is opened is not harmless to show yet.
   *
   * @param {string} text
   * @param {string} sender
   * @param {number} [kind]
   * @returns {Promise<{ text: string } | { why: "not_sealed" | "broken" | "seen" }>}
   */
  async open(text, sender, kind = Kind.TEXT) {
    if (!text.startsWith(PREFIX)) return { why: "not_sealed" };
    const data = decode(text.slice(PREFIX.length));
    if (!data || data.length <= ADDED_BYTES) return { why: "broken" };
    const [senderId, counter, sealed] = [data.slice(0, 8), data.slice(8, 16), data.slice(16)];
    const number = new DataView(counter.buffer).getBigUint64(0);
    const name = encode(senderId);
    const session = this.#sessions.get(name) ?? {
      cipher: deriveCipher(this.key, this.room, senderId), newest: 0n, seen: new Set(),
    };
    const opened = number ? await decrypt(await session.cipher, counter, about(kind, this.room, sender), sealed) : null;
    if (opened === null) return { why: "broken" };
    if (kind === Kind.TEXT) {
      this.#remember(name, session);
      if (!takeCounter(session, number)) return { why: "seen" };
    }
    return { text: opened };
  }

  /**
   * @param {string} name
   * @param {{ cipher: Promise<CryptoKey>, newest: bigint, seen: Set<bigint> }} session
   */
  #remember(name, session) {
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SENDERS && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/**
 * Note a counter; false if it was seen, or may have been.
 *
 * @param {{ newest: bigint, seen: Set<bigint> }} session
 * @param {bigint} counter
 */
function takeCounter(session, counter) {
  const oldest = session.newest - BigInt(WINDOW);
  if (counter <= oldest || session.seen.has(counter)) return false;
  session.seen.add(counter);
  if (counter > session.newest) {
    session.newest = counter;
    if (session.seen.size > 2 * WINDOW) {
      session.seen = new Set([...session.seen].filter((each) => each > counter - BigInt(WINDOW)));
    }
  }
  return true;
}

/**
 * @param {CryptoKey} cipher
 * @param {Uint8Array<ArrayBuffer>} counter
 * @param {Uint8Array<ArrayBuffer>} additionalData
 * @param {Uint8Array<ArrayBuffer>} sealed
 */
async function decrypt(cipher, counter, additionalData, sealed) {
  try {
    const iv = concat(new Uint8Array(4), counter);
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, cipher, sealed);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(opened);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} room
 * @param {Uint8Array<ArrayBuffer>} salt
 */
async function deriveCipher(key, room, salt) {
  const secret = await crypto.subtle.importKey("raw", bytesOf(key), "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info: encoder.encode(INFO + room) };
  return crypto.subtle.deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/**
 * Return what is sealed along with a text, so that it can't be moved elsewhere.
 *
 * @param {number} kind
 * @param {string} room
 * @param {string} sender
 */
const about = (kind, room, sender) =>
  concat(Uint8Array.of(kind), encoder.encode(`${room}\0${kind === Kind.TEXT ? sender : ""}`));

/** @param {bigint} counter */
function counterBytes(counter) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, counter);
  return bytes;
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
function concat(...pieces) {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** @param {string} key */
function bytesOf(key) {
  const bytes = decode(key);
  if (!bytes) throw new TypeError("A key has 22 letters, digits, - or _.");
  return bytes;
}

/** @param {Uint8Array} bytes */
function encode(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Read base64url without padding; null if it isn't spelt in the only way there is.
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
function decode(text) {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return encode(bytes) === text ? bytes : null;
}
