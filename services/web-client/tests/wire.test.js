import assert from "node:assert/strict";
import { test } from "node:test";

import { WireError, parseAnswer, parseMessage } from "../src/web_client/page/js/wire.js";

/** @param {unknown} value */
const read = (value) => parseMessage(JSON.stringify(value));

test("each kind of message is read", () => {
  assert.deepEqual(read({ seq: 812, from: "ann", text: "hello" }), { kind: "entry", seq: 812, from: "ann", text: "hello" });
  assert.deepEqual(read({ seq: 814, took: 17 }), { kind: "took", n: 17, seq: 814 });
  assert.deepEqual(read({ took: 17 }), { kind: "took", n: 17, seq: undefined });
  assert.deepEqual(read({ n: 18, refused: "muted", message: "m" }), { kind: "refused", n: 18, reason: "muted", message: "m" });
  assert.deepEqual(read({ gone: [801, 811] }), { kind: "gone", count: 11 });
  assert.deepEqual(read({ gone: "all" }), { kind: "gone", count: null });
  assert.deepEqual(read({ bye: "kicked", message: "m" }), { kind: "bye", reason: "kicked", message: "m", banned: false });
  assert.deepEqual(read({ bye: "kicked", banned: true }), { kind: "bye", reason: "kicked", message: "", banned: true });
  assert.deepEqual(read({ ping: 7 }), { kind: "ping", number: 7 });
  assert.deepEqual(read({ pong: 5 }), { kind: "pong", number: 5 });
});

test("a topic is a notice, although it has a text and a number", () => {
  assert.equal(read({ seq: 3, notice: "topic", text: "tea" }).kind, "notice");
});

test("unknown kinds and keys are ignored", () => {
  assert.deepEqual(read({ weather: "fine" }), { kind: "unknown" });
  assert.equal(read({ ping: 7, more: {} }).kind, "ping");
});

test("all text in a message is made harmless, however deep", () => {
  const found = read({ notice: "members", members: [{ name: "a\u202eb" }] });
  assert.deepEqual(found.kind === "notice" && found.fields.members, [{ name: "a\ufffdb" }]);
});

for (const bad of ["", "[]", "null", "7", "{", '{"took":"x"}', '{"took":-1}', '{"gone":[3,1]}', '{"gone":[1]}', '{"bye":7}', '{"seq":1.5,"text":"x"}']) {
  test(`what is no message is refused: ${bad}`, () => {
    assert.throws(() => parseMessage(bad), WireError);
  });
}

test("bytes are no message", () => {
  assert.throws(() => parseMessage(new Uint8Array(2)), WireError);
});

test("an answer says what is granted, or why not", () => {
  const granted = parseAnswer('{"status":0,"reason":"ok","host":true,"resume":"t","epoch":"e","seq":5,"max_message_bytes":9}');
  assert.deepEqual(granted, { status: 0, host: true, ticket: "t", epoch: "e", seq: 5, maxMessageBytes: 9, moderation: false, sealed: false, web: "" });
  assert.deepEqual(parseAnswer('{"status":3,"message":"no"}'), { status: 3, message: "no", fields: { status: 3, message: "no" }, banned: false });
});
