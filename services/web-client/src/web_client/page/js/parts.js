// The parts of a message: links, code, quotes and one's own name; together they are its text.

import { NEWLINE_SIGN, fold } from "./text.js";

/** @typedef {Chat.Part} Part */

/** What a line begins with that quotes another one. */
export const QUOTE = "> ";
/** So many characters show which message is meant, and leave most of the limit to the answer. */
const MAX_QUOTED = 120;

const FENCE = /(^|\n)```(?:[\w+#.-]*\n)?([\s\S]+?)\n?```(?=\n|$)/g;
const CODE = /(?<!`)(`{1,3})(?!`)([^\n]+?)(?<!`)\1(?!`)/g;
const ADDRESS = /(?<![0-9A-Za-z])https?:\/\/[^\s<>"'`|\u2018-\u201f\u3000-\u3004\u3008-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+/gi;
// What stands behind an address in a sentence, and isn't a part of it.
const AFTER_ADDRESS = /[.,;:!?*~…]+$/;
const TITLES = ["さん", "ちゃん", "くん", "さま", "様", "君", "氏", "殿", "先生"];

/**
 * Cut a message into lines and their parts.
 *
 * @param {string} text as it came, with signs for its lines' ends
 * @param {string} ownName
 * @returns {Part[]}
 */
export function splitMessage(text, ownName) {
  const lined = text.replaceAll(NEWLINE_SIGN, "\n");
  /** @type {Part[]} */
  const parts = [];
  let at = 0;
  for (const fence of lined.matchAll(FENCE)) {
    const start = fence.index + (fence[1]?.length ?? 0);
    splitLines(lined.slice(at, start).replace(/\n$/, ""), ownName, parts);
    parts.push({ look: "block", text: fence[2] ?? "" });
    at = fence.index + fence[0].length;
    if (lined[at] === "\n") at++;
  }
  splitLines(lined.slice(at), ownName, parts);
  return parts;
}

/**
 * Return a message as a line that quotes it, without what it quoted itself.
 *
 * @param {string} sender
 * @param {string} text
 */
export function quote(sender, text) {
  const lines = text.split(NEWLINE_SIGN);
  const own = lines.filter((line) => !line.startsWith(QUOTE)).join(" ").trim() || lines[0] || "";
  const letters = [...own];
  const cut = letters.length <= MAX_QUOTED ? own : `${letters.slice(0, MAX_QUOTED - 1).join("").trimEnd()}…`;
  return sender ? `${QUOTE}${sender}: ${cut}` : `${QUOTE}${cut}`;
}

/**
 * Tell whether somebody is called by name: as a word of its own, not as a part of another one.
 *
 * @param {string} name
 * @param {string} text
 */
export const mentions = (name, text) => mentionSpans(name, text).length > 0;

/**
 * @param {string} text
 * @param {string} ownName
 * @param {Part[]} parts
 */
function splitLines(text, ownName, parts) {
  if (!text) return;
  let plain = "";
  for (const line of text.split("\n")) {
    if (line.startsWith(QUOTE) && line.length > QUOTE.length) {
      splitInline(plain.replace(/\n$/, ""), ownName, parts);
      plain = "";
      parts.push({ look: "quote", text: line.slice(QUOTE.length) });
    } else {
      plain += `${line}\n`;
    }
  }
  splitInline(plain.replace(/\n$/, ""), ownName, parts);
}

/**
 * @param {string} text
 * @param {string} ownName
 * @param {Part[]} parts
 */
function splitInline(text, ownName, parts) {
  let at = 0;
  for (const code of text.matchAll(CODE)) {
    splitLinks(text.slice(at, code.index), ownName, parts);
    parts.push({ look: "code", text: code[2] ?? "" });
    at = code.index + code[0].length;
  }
  splitLinks(text.slice(at), ownName, parts);
}

/**
 * @param {string} text
 * @param {string} ownName
 * @param {Part[]} parts
 */
function splitLinks(text, ownName, parts) {
  let at = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const address = trimAddress(found[0]);
    if (!URL.canParse(address)) continue;
    splitMentions(text.slice(at, found.index), ownName, parts);
    parts.push({ look: "link", text: address });
    at = found.index + address.length;
  }
  splitMentions(text.slice(at), ownName, parts);
}

/** @param {string} found */
function trimAddress(found) {
  let address = found.replace(AFTER_ADDRESS, "");
  for (const [open, close] of ["()", "[]", "{}"]) {
    // A closing bracket belongs to an address only if it was opened in it.
    while (open && close && address.endsWith(close) && address.split(close).length > address.split(open).length) {
      address = address.slice(0, -1).replace(AFTER_ADDRESS, "");
    }
  }
  return address;
}

/**
 * @param {string} text
 * @param {string} ownName
 * @param {Part[]} parts
 */
function splitMentions(text, ownName, parts) {
  let at = 0;
  for (const [start, end] of mentionSpans(ownName, text)) {
    if (start > at) parts.push({ look: "plain", text: text.slice(at, start) });
    parts.push({ look: "mention", text: text.slice(start, end) });
    at = end;
  }
  if (at < text.length) parts.push({ look: "plain", text: text.slice(at) });
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {[number, number][]}
 */
function mentionSpans(name, text) {
  const wanted = fold(name);
  if (!wanted || !fold(text).includes(wanted)) return [];
  // Letters are folded one by one, so that places in the folded text are known in the text, too.
  /** @type {number[]} */
  const owners = [];
  let folded = "";
  let at = 0;
  for (const cluster of text.match(/[\s\S][\u0300-\u036f\u1160-\u11ff\u3099\u309a\uff9e\uff9f]*/gu) ?? []) {
    const piece = fold(cluster);
    for (let unit = 0; unit < piece.length; unit++) owners.push(at);
    folded += piece;
    at += cluster.length;
  }
  owners.push(text.length);
  /** @type {[number, number][]} */
  const spans = [];
  for (let from = folded.indexOf(wanted); from >= 0; from = folded.indexOf(wanted, from + wanted.length)) {
    const start = owners[from] ?? 0;
    const end = owners[from + wanted.length] ?? text.length;
    if (isWord(text, start, end)) spans.push([start, end]);
  }
  return spans;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function isWord(text, start, end) {
  const [before, first] = [script([...text.slice(0, start)].pop() ?? ""), script([...text.slice(start, end)][0] ?? "")];
  const [last, after] = [script([...text.slice(start, end)].pop() ?? ""), script([...text.slice(end)][0] ?? "")];
  const behind = text.slice(end);
  return (!before || before !== first) && (!after || after !== last || TITLES.some((title) => behind.startsWith(title)));
}

/**
 * Tell which script a letter is of, as far as it matters: Japanese has no spaces between words.
 *
 * @param {string} letter
 */
function script(letter) {
  if (!/[\p{L}\p{N}_]/u.test(letter)) return "";
  if (/\p{Script=Han}/u.test(letter)) return "han";
  if (/\p{Script=Hiragana}/u.test(letter)) return "hiragana";
  return /\p{Script=Katakana}/u.test(letter) ? "katakana" : "other";
}
