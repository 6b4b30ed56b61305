// What goes over the WebSocket: one JSON object a message (WEB-02, STR-02, STR-03).

import { sanitize } from "./text.js";

/** The greatest number of one's own words (RCP-01). */
export const MAX_NUMBER = 2 ** 32 - 1;

/** The relay sent something that is no message of the protocol. */
export class WireError extends Error {}

/**
 * Read a message of the relay; all text in it is made harmless to show (UDP-11).
 *
 * @param {unknown} data
 * @returns {Chat.FromRelay}
 */
export function parseMessage(data) {
  const found = parseObject(data);
  const kind = KINDS.find((key) => key in found);
  const read = kind && READERS[kind];
  return read ? read(found, "seq" in found ? number(found.seq) : undefined) : { kind: "unknown" };
}

/**
 * How each kind of message is read, by the key that only it has; a notice before a text, for a topic has one too.
 *
 * @type {Record<string, (found: Record<string, unknown>, seq: number | undefined) => Chat.FromRelay>}
 */
const READERS = {
  notice: (found, seq) => ({ kind: "notice", seq, notice: text(found.notice), fields: harmless(found) }),
  text: (found, seq) =>
    seq === undefined ? { kind: "unknown" } : { kind: "entry", seq, from: text(found.from ?? ""), text: text(found.text) },
  took: (found, seq) => ({ kind: "took", n: number(found.took), seq }),
  refused: (found) => ({
    kind: "refused", n: number(found.n), reason: text(found.refused), message: text(found.message ?? ""),
  }),
  gone: (found) => gone(found.gone),
  bye: (found) => ({ kind: "bye", reason: text(found.bye), message: text(found.message ?? ""), banned: found.banned === true }),
  ping: (found) => ({ kind: "ping", number: number(found.ping) }),
  pong: (found) => ({ kind: "pong", number: number(found.pong) }),
};
const KINDS = Object.keys(READERS);

/**
 * Read the answer to a join (WEB-02).
 *
 * @param {unknown} data
 * @returns {Chat.Answer}
 */
export function parseAnswer(data) {
  const found = parseObject(data);
  const status = number(found.status);
  if (status) {
    const isPlain = found.code !== undefined && found.code === found.reason; // the status says it all (FEAT-04)
    const message = isPlain ? "" : text(found.message ?? "");
    return { status, message, fields: harmless(found), banned: found.banned === true };
  }
  return {
    status: 0,
    host: found.host === true,
    ticket: typeof found.resume === "string" ? found.resume : "",
    epoch: typeof found.epoch === "string" ? found.epoch : "",
    seq: number(found.seq ?? 0),
    maxMessageBytes: number(found.max_message_bytes ?? 0),
    moderation: found.moderation === true,
    sealed: found.sealed === true,
    web: typeof found.web === "string" ? found.web : "",
  };
}

/** @param {Chat.JoinFields} fields */
export const encodeJoin = (fields) => JSON.stringify({ join: fields });
/**
 * @param {string} said
 * @param {number} n
 */
export const encodeSay = (said, n) => JSON.stringify({ say: said, n });
/** @param {number} asked */
export const encodePing = (asked) => JSON.stringify({ ping: asked });
/** @param {number} asked */
export const encodePong = (asked) => JSON.stringify({ pong: asked });
export const encodeLeave = () => JSON.stringify({ leave: true });

/**
 * @param {unknown} data
 * @returns {Record<string, unknown>}
 */
function parseObject(data) {
  if (typeof data !== "string") throw new WireError("A message is no text.");
  /** @type {unknown} */
  let found;
  try {
    found = JSON.parse(data);
  } catch {
    throw new WireError("A message is no JSON.");
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new WireError("A message is no JSON object.");
  }
  return /** @type {Record<string, unknown>} */ (found);
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function number(value) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new WireError("A number is none.");
  return Number(value);
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function text(value) {
  if (typeof value !== "string") throw new WireError("A text is none.");
  return sanitize(value);
}

/**
 * @param {unknown} value
 * @returns {Chat.FromRelay}
 */
function gone(value) {
  if (value === "all") return { kind: "gone", count: null };
  if (!Array.isArray(value) || value.length !== 2) throw new WireError("What is gone has no two ends.");
  const [first, last] = value.map(number);
  if (first === undefined || last === undefined || last < first) throw new WireError("What is gone ends before it begins.");
  return { kind: "gone", count: last - first + 1 };
}

/**
 * Copy a JSON value with all its texts made harmless.
 *
 * @param {Record<string, unknown>} found
 * @returns {Record<string, unknown>}
 */
function harmless(found) {
  /** @type {(value: unknown) => unknown} */
  const clean = (value) =>
    typeof value === "string" ? sanitize(value)
    : Array.isArray(value) ? value.map(clean)
    : typeof value === "object" && value !== null ? harmless(/** @type {Record<string, unknown>} */ (value))
    : value;
  return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, clean(value)]));
}
