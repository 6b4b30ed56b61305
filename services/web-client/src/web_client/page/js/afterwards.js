// What one reads, and may do, when a place in a room is over.

import { _ } from "./i18n.js";
import { Status } from "./statuses.js";
import { ending } from "./wording.js";

/** The status that stands for a room that isn't sealed, though one has a key. */
export const NOT_SEALED = -1;
const WITHOUT_KEY = new Set([Status.SEALED, NOT_SEALED]);

/**
 * @param {import("./session.js").End} end
 * @returns {Chat.Words}
 */
export function wordsOf(end) {
  if ("status" in end && end.status === NOT_SEALED) {
    const fields = { server: globalThis.location?.host ?? "" };
    const what = _("The room isn't sealed on the relay at {server}, though your invitation has a key: nothing was sent.", fields);
    return { what, todo: _("Ask who invited you.") };
  }
  return ending(end);
}

/**
 * Tell what leads back.
 *
 * @param {import("./session.js").End} end
 * @param {boolean} wasHost
 * @returns {"join" | "create" | "password" | "name" | "nothing"}
 */
export function wayBack(end, wasHost) {
  if (end.banned) return "nothing";
  if ("bye" in end) return end.bye === "host_left" ? "create" : "join";
  if (WITHOUT_KEY.has(end.status)) return "nothing";
  if (end.status === Status.WRONG_PASSWORD) return "password";
  if (end.status === Status.NAME_TAKEN || end.status === Status.BAD_NAME) return "name";
  return end.status === Status.NO_SUCH_ROOM && wasHost ? "create" : "join";
}
