// The vectors are those of the Python implementation: both must seal and open the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Seal } from "../src/web_client/page/js/seal.js";
import { Opener, Sealer, fingerprint, isKey, makeKey, sealedBytes, textBytesWithin } from "../src/web_client/page/js/sealing.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../../tests/vectors/sealing.json", import.meta.url), "utf-8"));
const KEY = "AAECAwQFBgcICQoLDA0ODw";

/** @param {string} hex */
const link = (hex) => Buffer.from(hex, "hex").toString("base64url");

for (const { link: key, fingerprint: shown } of VECTORS.keys) {
  test(`the key ${key} has its fingerprint`, async () => {
    assert.ok(isKey(key));
    assert.equal(await fingerprint(key), shown);
  });
}

for (const text of VECTORS.no_keys) {
  test(`this is no key: "${text}"`, () => assert.equal(isKey(text), false));
}

for (const vector of VECTORS.sealed) {
  test(`opened: ${vector.about}`, async () => {
    const opener = new Opener(link(vector.secret), vector.room);
    const opened = await opener.open(vector.sealed, vector.kind ? "" : vector.sender, vector.kind);
    assert.deepEqual(opened, { text: vector.text });
  });
}

for (const vector of VECTORS.refused) {
  test(`not opened: ${vector.about}`, async () => {
    const opener = new Opener(link(vector.secret), vector.room);
    assert.ok("why" in (await opener.open(vector.sealed, vector.sender, vector.kind)));
  });
}

test("the first texts of a session are sealed as Python seals them", async () => {
  const first = VECTORS.sealed[0];
  const sealer = new Sealer(link(first.secret), first.room, first.sender, Uint8Array.from(Buffer.from(first.sender_id, "hex")));
  assert.equal(await sealer.seal(first.text), first.sealed);
  assert.equal(await sealer.seal(VECTORS.sealed[1].text), VECTORS.sealed[1].sealed);
});

test("a text is opened once, a topic again and again", async () => {
  const [text, topic] = [0, 1].map((kind) => VECTORS.sealed.find((/** @type {any} */ each) => each.kind === kind));
  const opener = new Opener(link(text.secret), text.room);
  assert.ok("text" in (await opener.open(text.sealed, text.sender)));
  assert.deepEqual(await opener.open(text.sealed, text.sender), { why: "seen" });
  const topics = new Opener(link(topic.secret), topic.room);
  for (let time = 0; time < 2; time++) assert.ok("text" in (await topics.open(topic.sealed, "", 1)));
});

test("counters that arrive in another order are opened once each", async () => {
  const [sealer, opener] = [new Sealer(KEY, "tea", "ann"), new Opener(KEY, "tea")];
  const sealed = [];
  for (let number = 0; number < 5; number++) sealed.push(await sealer.seal(`text ${number}`));
  for (const number of [3, 0, 4, 1, 2]) assert.deepEqual(await opener.open(sealed[number] ?? "", "ann"), { text: `text ${number}` });
  for (const text of sealed) assert.deepEqual(await opener.open(text, "ann"), { why: "seen" });
});

test("nobody can pass a text off as another member's, or move it to another room", async () => {
  const sealed = await new Sealer(KEY, "tea", "ann").seal("hi");
  assert.deepEqual(await new Opener(KEY, "tea").open(sealed, "bob"), { why: "broken" });
  assert.deepEqual(await new Opener(KEY, "lab").open(sealed, "ann"), { why: "broken" });
});

test("keys are new each time, and sizes fit", async () => {
  assert.notEqual(makeKey(), makeKey());
  assert.ok(isKey(makeKey()));
  for (const bytes of [1, 2, 3, 100, 999]) {
    assert.equal((await new Sealer(KEY, "tea", "ann").seal("x".repeat(bytes))).length, sealedBytes(bytes));
    assert.equal(textBytesWithin(sealedBytes(bytes)), bytes);
  }
});

test("with a wrong key nothing is shown and nothing may be said, until something can be opened", async () => {
  const seal = new Seal(makeKey(), "tea", "bob", false);
  const opened = await seal.open(await new Sealer(KEY, "tea", "ann").seal("secret"), "ann");
  assert.ok(opened && "problem" in opened && !opened.problem.includes("secret"));
  assert.ok(seal.doubted);
  await seal.open(await new Sealer(seal.key, "tea", "cem").seal("hi"), "cem");
  assert.equal(seal.doubted, false);
});
