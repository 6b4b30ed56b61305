import assert from "node:assert/strict";
import { test } from "node:test";

import { isInvitation, makeInvitation, parseHash, parseInvitation, portOf } from "../src/web_client/page/js/links.js";

const KEY = "AAECAwQFBgcICQoLDA0ODw";

test("a page's invitation leads back to the room, and to its key", () => {
  for (const room of ["tea", "お茶 & 菓子", "50%", "what?", "a.b.", "a#b=c"]) {
    const link = makeInvitation("https://chat.example.org/?x#old", room, KEY);
    assert.deepEqual(parseInvitation(`Come: ${link}`.slice(6)), { host: "chat.example.org", room, key: KEY, page: link });
    assert.deepEqual(parseHash(new URL(link).hash), { room, key: KEY });
  }
});

test("an invitation that ends a sentence is read without its end", () => {
  assert.equal(parseInvitation(`<${makeInvitation("https://chat.example.org/", "a.b.")}>.`)?.room, "a.b.");
});

test("invitations of the other apps are read", () => {
  assert.deepEqual(parseInvitation(`chat://h.example:9000/%E8%8C%B6#k=${KEY}`), { host: "h.example", room: "茶", key: KEY, page: "" });
  assert.equal(parseInvitation("chats://h.example/tea")?.room, "tea");
});

for (const text of ["", "tea", "https://chat.example.org/", "https://chat.example.org/#room=", "https://x/#room=a&k=short", "https://x/#room=%FF", "https://x/#room=a&room=b", "javascript:#room=a"]) {
  test(`this is no invitation: ${text}`, () => assert.equal(parseInvitation(text), null));
}

test("a part of an invitation is still no room's name, for it may have a key", () => {
  for (const text of [`chat://h/tea#k=${KEY.slice(1)}`, "CHATS://", " <https://x/?#room=a&k=", "http://x/#k=1&room=%FF"]) assert.ok(isInvitation(text), text);
  for (const text of ["tea", "chat: tea", "https://example.org/", "#room=tea"]) assert.ok(!isInvitation(text), text);
});

test("an invitation names the port for the other apps where the relay does", () => {
  assert.equal(portOf("https://chat.example.org/#port=9001"), "9001");
  for (const web of ["", "https://chat.example.org/", "https://chat.example.org/#port=x&k=1", "#port=123456"]) assert.equal(portOf(web), "");
  const link = makeInvitation("https://chat.example.org/", "tea", KEY, "9001");
  assert.equal(link, `https://chat.example.org/#room=tea&k=${KEY}&port=9001`);
  assert.deepEqual(parseHash(new URL(link).hash), { room: "tea", key: KEY });
});
