// Invitations: ways into a room, and perhaps the key of a sealed one. Keys stand in fragments alone: nobody sends them.

import { isKey } from "./sealing.js";
import { flawOfRoom } from "./text.js";

/** @typedef {Chat.Invitation} Invitation */

/**
 * Read a text as an invitation; null if it is none.
 *
 * @param {string} text
 * @returns {Invitation | null}
 */
export function parseInvitation(text) {
  const bare = text.trim().replace(/^[<"']+/, "").replace(/[>"'.,;:!?]+$/, "");
  const url = URL.canParse(bare) ? new URL(bare) : null;
  if (!url) return null;
  const fields = parseFields(url.hash);
  if (!fields) return null;
  if (url.protocol === "chat:" || url.protocol === "chats:") {
    const room = decode(bare.replace(/^chats?:\/\/[^/]*\/?/i, "").replace(/#.*$/s, ""));
    return room === null ? null : made(url.hostname, room, fields.get("k"));
  }
  const web = url.protocol === "https:" || url.protocol === "http:";
  return web ? made(url.hostname, fields.get("room") ?? "", fields.get("k"), url.href) : null;
}

/**
 * Tell whether a text means to be an invitation, be it a part of one: it may have a key, so it is no room's name.
 *
 * @param {string} text
 */
export const isInvitation = (text) => /^[\s<"']*(chats?:\/\/|https?:.*#.*room=)/i.test(text);

/**
 * Read what stands after the sign # in the page's own address; null if it leads to no room.
 *
 * @param {string} hash
 * @returns {{ room: string, key: string } | null}
 */
export function parseHash(hash) {
  const fields = parseFields(hash);
  const found = fields && made("", fields.get("room") ?? "", fields.get("k"));
  return found ? { room: found.room, key: found.key } : null;
}

/**
 * Return the TCP port for the other apps that the relay's word on its page has (WEB-05); empty if it is the usual one.
 *
 * @param {string} web
 */
export const portOf = (web) => /#port=([0-9]{1,5})$/.exec(web)?.[1] ?? "";

/**
 * Make an invitation to a room; only with a ``key`` can the room be read if it is sealed.
 *
 * @param {string} page the page's own address
 * @param {string} room
 * @param {string} [key]
 * @param {string} [port] see `portOf`
 */
export function makeInvitation(page, room, key = "", port = "") {
  const url = new URL(page);
  url.search = "";
  url.hash = "";
  // What ends a sentence is no part of an invitation that stands in one.
  const name = encodeURIComponent(room).replace(/[.!]$/, (end) => `%${end.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${url.href}#room=${name}${key && "&k="}${key}${port && "&port="}${port}`;
}

/**
 * @param {string} host
 * @param {string} room
 * @param {string | undefined} key
 * @param {string} [page]
 * @returns {Invitation | null}
 */
function made(host, room, key, page = "") {
  if (flawOfRoom(room) || (key !== undefined && !isKey(key))) return null;
  return { host, room, key: key ?? "", page };
}

/**
 * @param {string} hash
 * @returns {Map<string, string> | null}
 */
function parseFields(hash) {
  const fields = new Map();
  for (const pair of hash.replace(/^#/, "").split("&").filter(Boolean)) {
    const [name = "", ...rest] = pair.split("=");
    const value = decode(rest.join("="));
    if (value === null || fields.has(name)) return null;
    fields.set(name, value);
  }
  return fields;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text).normalize("NFC");
  } catch {
    return null;
  }
}
