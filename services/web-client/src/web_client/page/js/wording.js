// How what happens reads to a person, in the language that is chosen; the words are those of the other apps.

import { N_, _, coded, language, ngettext } from "./i18n.js";

const JOIN_AGAIN = N_("Join again.");
const OTHER_NAME = N_("Choose another name.");
const BANNED = N_("The host of this room has banned you.");
/** @type {[string, string]} */
const NO_PLACE = [N_("Your place in the room is gone."), JOIN_AGAIN];
/** @type {[string, string]} */
const STOPPING = [N_("The relay is shutting down."), N_("Try again when it is back.")];

/** @type {Record<number, [string, string]>} */
const STATUSES = {
  1: [N_("A room with this name already exists."), N_("Join it, or choose another name.")],
  2: [N_("There is no room with this name."), N_("Create it, or check the spelling.")],
  3: [N_("The password is wrong."), N_("Try again, or ask the host for it.")],
  4: [N_("A member of the room already has this name, or one that looks like it."), OTHER_NAME],
  5: [N_("The relay doesn't accept this name."), OTHER_NAME],
  6: [N_("The room is full."), N_("Try again when somebody leaves.")],
  7: [
    N_("The relay's limit on rooms or members is reached, for your address or in total."),
    N_("Leave another room, or try again later."),
  ],
  8: [N_("The relay doesn't understand this program."), N_("Check for a newer version of it.")],
  9: [N_("The request is larger than the relay accepts."), N_("Choose a shorter name or password.")],
  10: [N_("The relay doesn't support this."), N_("Ask its operator.")],
  11: [N_("The relay is busy."), N_("Try again in a moment.")],
  12: STOPPING,
  13: [N_("The room is sealed: only members with its key can read it."), N_("Ask a member for the whole invitation.")],
  14: [N_("The room is on another server."), N_("Join it there.")],
  15: NO_PLACE,
};

/** Why a place is lost (EVI-05), or a connection: what happened, what to do, and in a word. @type {Record<string, [string, string, string]>} */
const ENDS = {
  silence: [N_("Nothing was heard from you for too long."), JOIN_AGAIN, N_("silence")],
  unreachable: [N_("Messages to you came back as undeliverable."), JOIN_AGAIN, N_("unreachable")],
  abuse: [N_("You went over the limits again and again."), N_("Wait a moment, then join again."), N_("abuse")],
  never_connected: [...NO_PLACE, N_("never connected")],
  expired: [...NO_PLACE, N_("expired")],
  kicked: [N_("The host removed you."), N_("Ask the host before you come back."), N_("kicked")],
  host_left: [N_("The host left, so the room closed."), N_("Create it again, or join another room."), N_("host left")],
  shutdown: [...STOPPING, N_("shutdown")],
  resumed_elsewhere: [
    N_("Your place was taken over by another connection of yours."), N_("Join again to be here."), N_("resumed elsewhere"),
  ],
  moved: [N_("The room moved to another server."), JOIN_AGAIN, N_("moved")],
};

/** @type {Record<string, string>} */
const NOT_TAKEN = {
  "": N_("no answer came"),
  too_long: N_("it is too long"),
  message_rate: N_("too much at once"),
  byte_rate: N_("too much at once"),
  copy_rate: N_("too much at once"),
  muted: N_("you are muted"),
  not_sealed: N_("the room is sealed, but it isn't"),
};

/** @type {Record<string, string>} */
const DONE = {
  kick: N_("{name} was kicked; /ban keeps somebody out."),
  mute: N_("{name} is muted; /unmute takes it back."),
  unmute: N_("{name} may speak again."),
};

/** Stands for the reason where the relay said none, for it wasn't heard. */
export const NO_ANSWER = "no_answer";

/** @param {Chat.Words} words */
export const line = ({ what, todo }) => (todo ? _("{what} {todo}", { what, todo }) : what);

/**
 * Say why the relay doesn't let somebody in.
 *
 * @param {Chat.Refused} refusal
 * @returns {Chat.Words}
 */
export function refusal({ status, message, fields, banned }) {
  if (banned) return { what: _(BANNED), todo: "" };
  const exactly = coded(fields.code, fields) ?? (language() === "en" ? message : "");
  if (exactly) return { what: exactly, todo: "" };
  const [text, todo] = STATUSES[status] ?? ["", ""];
  if (!text) return { what: message, todo };
  const what = message ? _('{what} The relay says: "{text}"', { what: _(text), text: message }) : _(text);
  return { what, todo: _(todo) };
}

/**
 * Say why one isn't in any more.
 *
 * @param {Chat.Refused | { bye: string, banned: boolean }} end
 * @returns {Chat.Words}
 */
export function ending(end) {
  if ("status" in end) return refusal(end);
  if (end.banned) return { what: _(BANNED), todo: "" };
  if (end.bye === NO_ANSWER) {
    const fields = { server: globalThis.location?.host ?? "", why: _("the connection failed") };
    return { what: _("No relay answers at {server} ({why}).", fields), todo: _("Check the address and your network.") };
  }
  const [what, todo] = ENDS[end.bye] ?? [N_("The relay took your place in the room away."), JOIN_AGAIN];
  return { what: _(what), todo: _(todo) };
}

/**
 * Say why one isn't in just now, while the page looks for a way back.
 *
 * @param {Chat.Refused | { bye: string, banned: boolean } | null} cause null if the connection just broke
 * @returns {Chat.Words}
 */
export function interruption(cause) {
  if (cause && "status" in cause && cause.status === 2) {
    return { what: _("The relay seems to have been restarted: the room isn't there again yet."), todo: "" };
  }
  const known = cause && ("status" in cause || cause.bye in ENDS);
  return { what: known ? ending(cause).what : _("Nothing is heard from the relay."), todo: "" };
}

/**
 * Say why something one said was not taken, to stand in brackets.
 *
 * @param {string} reason
 * @param {string} message
 */
export function notTaken(reason, message) {
  const words = NOT_TAKEN[reason];
  return words ? _(words) : message || reason;
}

/**
 * Say why a command failed, or what one said wasn't relayed.
 *
 * @param {Record<string, unknown>} fields of ``command_failed`` or ``dropped``
 */
export function failed(fields) {
  const { code, reason, refusal: why, limit: count, over_bytes: bytes } = fields;
  const exactly = why && typeof why === "object" ? /** @type {Record<string, unknown>} */ (why) : {};
  return coded(exactly.code, exactly) ?? coded(code ?? reason, { ...fields, count, bytes }) ?? String(fields.message ?? "");
}

/** @param {string} reason */
export const inAWord = (reason) => (ENDS[reason] ? _(ENDS[reason][2]) : reason);

/** @param {number | null} count */
export const lostHere = (count) =>
  count === null
    ? _("Messages were lost here.")
    : ngettext("{count} message was lost here.", "{count} messages were lost here.", count);

/**
 * Say what a command brought about (MOD-01).
 *
 * @param {Record<string, unknown>} fields of ``command_done``
 */
export function done(fields) {
  const { command, name } = { command: String(fields.command), name: String(fields.name ?? "") };
  if (command === "ban") {
    const by = fields.by_address === true;
    return by ? _("{name} is banned by name and address.", { name }) : _("{name} is banned by name alone.", { name });
  }
  if (command === "unban") {
    const names = [name, ...(Array.isArray(fields.also) ? fields.also.map(String) : [])].join(", ");
    return _("{names} may come in again.", { names });
  }
  return DONE[command] ? _(DONE[command], { name }) : _("/{command} {name}: done.", { command, name });
}
