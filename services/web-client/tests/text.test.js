import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { quote, splitMessage, mentions } from "../src/web_client/page/js/parts.js";
import { colourOf, flawOfRoom, flawOfUser, initial, sanitize } from "../src/web_client/page/js/text.js";

/** @type {[string, string][]} */
const SANITIZED = [
  ["plain", "plain"],
  ["a\r\nb\nc\u2028d", "a⏎b⏎c⏎d"],
  ["a\u202eb", "a\ufffdb"],
  ["a\u200fb\u2066c", "abc"],
  ["a\u001b[31m", "a\ufffd[31m"],
  ["a\tb", "a\tb"],
  ["a" + "\u0301".repeat(9), "a" + "\u0301".repeat(4) + "\ufffd"],
  ["x\u{e0041}", "x\ufffd"],
  ["\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
  ["\ud800", "\ufffd"],
  ["日本語", "日本語"],
];
for (const [raw, shown] of SANITIZED) {
  test(`a text is made harmless: ${JSON.stringify(raw)}`, () => assert.equal(sanitize(raw), shown));
}

test("a text of hostile marks is read in no time", () => {
  assert.equal(sanitize("\u0301".repeat(30_000)).length, 5);
});

test("names are checked as the relay does", () => {
  assert.equal(flawOfUser("ann"), null);
  assert.equal(flawOfUser(""), "empty");
  assert.equal(flawOfUser("a:b"), "colon");
  assert.equal(flawOfUser(" ann"), "spaces");
  assert.equal(flawOfUser("あ".repeat(86)), "long");
  assert.equal(flawOfUser("a\nb"), "character");
  assert.equal(flawOfRoom("a:b"), null);
});

test("a person has the same colour as in the other apps", () => {
  // As zlib.crc32 says in Python.
  assert.deepEqual(["Ann", "Bea", "さくら", "Cem"].map(colourOf), [3, 0, 8, 4]);
});

test("the page's colours for names are the window's", () => {
  const palette = readFileSync(new URL("../../messenger/src/messenger/presentation/palette.py", import.meta.url), "utf-8");
  const css = readFileSync(new URL("../src/web_client/page/css/base.css", import.meta.url), "utf-8");
  const colours = [...css.matchAll(/\.colour(\d+) ?\{ ?--hue: ?(#\w{6})/g)];
  assert.deepEqual(colours.map(([, number]) => Number(number)), Array.from({ length: 12 }, (_each, number) => number));
  assert.deepEqual(colours.map(([, , colour]) => colour), palette.match(/#[0-9a-f]{6}/g));
});

test("an initial is the first letter", () => {
  assert.deepEqual(["ann", "  —x", "🍵", "さくら"].map(initial), ["A", "X", "🍵", "さ"]);
});

/** @param {string} text @param {string} [name] */
const looks = (text, name = "ann") => splitMessage(text, name).map((part) => [part.look, part.text]);

test("addresses are links, without what ends a sentence", () => {
  assert.deepEqual(looks("see https://a.example/x_(y)."), [["plain", "see "], ["link", "https://a.example/x_(y)"], ["plain", "."]]);
  assert.deepEqual(looks("(https://a.example)"), [["plain", "("], ["link", "https://a.example"], ["plain", ")"]]);
  assert.deepEqual(looks("これhttps://a.example/。です"), [["plain", "これ"], ["link", "https://a.example/"], ["plain", "。です"]]);
});

for (const text of ["javascript:alert(1)", "data:text/html,x", "xhttp://a.example", "https://"]) {
  test(`this is no link: ${text}`, () => assert.deepEqual(looks(text), [["plain", text]]));
}

test("code, blocks and quotes are told apart, and links in code are none", () => {
  assert.deepEqual(looks("use `https://a.example` now"), [["plain", "use "], ["code", "https://a.example"], ["plain", " now"]]);
  assert.deepEqual(looks("> bea: hi⏎yes"), [["quote", "bea: hi"], ["plain", "yes"]]);
  assert.deepEqual(looks("look⏎```py⏎a = 1⏎b⏎```⏎end"), [["plain", "look"], ["block", "a = 1\nb"], ["plain", "end"]]);
});

/** @type {[string, string, boolean][]} */
const MENTIONS = [
  ["ann", "hi Ann!", true], ["ann", "annex", false], ["ann", "joann", false], ["ann", "ＡＮＮ, look", true], ["ann", "annさん", true],
  ["さくら", "さくらさん、どう？", true], ["さくら", "さくらんぼ", false], ["", "hi", false],
];
for (const [name, text, called] of MENTIONS) {
  test(`${text} ${called ? "calls" : "doesn't call"} ${name}`, () => assert.equal(mentions(name, text), called));
}

test("a mention is marked where it stands", () => {
  assert.deepEqual(looks("hi Ann!"), [["plain", "hi "], ["mention", "Ann"], ["plain", "!"]]);
});

test("a quote has no older quote, and an end", () => {
  assert.equal(quote("bea", "> ann: old⏎new"), "> bea: new");
  assert.equal(quote("bea", "x".repeat(300)).length, "> bea: ".length + 120);
});
