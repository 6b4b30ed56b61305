// What a typed line means.

/** @typedef {{ is: "nothing" | "leave" | "help" | "password" } | { is: "say" | "ask" | "unknown", text: string }} Meant */

/** What the relay obeys instead of relaying it (MOD-01). */
const COMMAND = /^\/(who|topic|kick|ban|unban|mute|unmute|host|password)(?:\s([\s\S]*))?$/i;
const LEAVE = new Set(["/leave", "/exit", "/quit"]);

/**
 * Read a text as a command and what it is about; null if it is something to relay.
 *
 * @param {string} text
 * @returns {{ word: string, argument: string } | null}
 */
export function parseCommand(text) {
  const found = COMMAND.exec(text);
  return found && { word: (found[1] ?? "").toLowerCase(), argument: (found[2] ?? "").replace(/[\r\n]+$/, "") };
}

/**
 * Read what somebody typed.
 *
 * @param {string} line
 * @returns {Meant}
 */
export function interpret(line) {
  if (!line.trim()) return { is: "nothing" };
  if (line.startsWith("//")) return { is: "say", text: line.slice(1) };
  if (!line.startsWith("/")) return { is: "say", text: line };
  const word = line.trim();
  if (LEAVE.has(word)) return { is: "leave" };
  if (word === "/help") return { is: "help" };
  const asked = parseCommand(line);
  if (!asked) return { is: "unknown", text: word.split(/\s/)[0] ?? word };
  return asked.word === "password" && !asked.argument ? { is: "password" } : { is: "ask", text: line };
}

/**
 * Return how a text is sent that is to be relayed, whatever it looks like.
 *
 * @param {string} text
 */
export const relayed = (text) => (LEAVE.has(text) || parseCommand(text) ? ` ${text}` : text);
