import assert from "node:assert/strict";
import { test } from "node:test";

import { useLanguage } from "../src/web_client/page/js/i18n.js";
import { NOTICES } from "../src/web_client/page/js/notices.js";
import { Room } from "../src/web_client/page/js/room.js";
import { Sealer } from "../src/web_client/page/js/sealing.js";
import { REFUSALS } from "../src/web_client/page/js/sentences.js";
import { FakeWorld, GRANTED, WISH, roomIn, texts } from "./fake.js";

const KEY = "AAECAwQFBgcICQoLDA0ODw";
/**
 * Wait until ciphers have done what was begun.
 *
 * @param {import("../src/web_client/page/js/room.js").Room} room
 */
const settle = (room) => room.speaker.inOrder(async () => {});

test("one's own message is being sent, then taken, at its place in the room", () => {
  const { room, socket } = roomIn();
  room.speaker.say("mine");
  assert.equal(room.history.entries.at(-1)?.state, "sending");
  socket.say({ seq: 11, from: "bob", text: "earlier" }, { seq: 12, took: 2 });
  assert.deepEqual(texts(room).slice(1), ["earlier", "mine"]);
  assert.equal(room.history.entries.at(-1)?.state, "taken");
});

test("what is refused is not delivered, for a reason, and may be said again", () => {
  const { room, socket } = roomIn();
  room.speaker.say("too much");
  socket.say({ n: 2, refused: "message_rate", message: "" });
  const entry = room.history.entries.at(-1);
  assert.deepEqual([entry?.state, entry?.why], ["lost", "too much at once"]);
  room.speaker.sayAgain(entry?.id ?? 0);
  assert.deepEqual(socket.said.at(-1), { say: "too much", n: 3 });
  assert.equal(texts(room).filter((text) => text === "too much").length, 1);
});

test("why a command or a message failed is said by its code, and else as the relay says it", () => {
  const { room, socket } = roomIn();
  const bans = { notice: "command_failed", code: "too_many_bans", command: "ban", limit: 100, message: "Bans!" };
  const colon = { ...bans, code: "bad_name", refusal: { status: 5, code: "user_name_colon" }, message: "Colon!" };
  const long = { notice: "dropped", reason: "too_long", over_bytes: 7, message: "Long!" };
  const known = ["The room has {count} bans, as many as it may: lift one first.", "message too long by {bytes} bytes: it was not relayed"];
  socket.say(bans);
  useLanguage("ja", { [known[0] ?? ""]: "禁止 {count} 件", [known[1] ?? ""]: "{bytes} バイト超過", "The user name has a colon: choose one without.": "コロン" }, [], { ...NOTICES, ...REFUSALS });
  socket.say(bans, colon, long, { ...bans, code: "later" });
  useLanguage("en", {}, []);
  assert.deepEqual(texts(room).slice(-5), ["Bans!", "禁止 100 件", "コロン", "7 バイト超過", "Bans!"]);
});

test("at most 32 are unanswered; the others follow as answers come", () => {
  const { room, socket } = roomIn();
  for (let number = 0; number < 40; number++) room.speaker.say(`text ${number}`);
  assert.equal(socket.said.length, 32);
  socket.say({ took: 1 }, { seq: 11, took: 2 });
  assert.equal(socket.said.length, 34);
});

test("a text that looks like a command is relayed, and a command isn't", () => {
  const { room, socket } = roomIn();
  room.speaker.say("/kick bob");
  room.command("/kick bob");
  assert.deepEqual(socket.said.slice(1).map(({ say }) => say), [" /kick bob", "/kick bob"]);
});

test("a page that is loaded again has its seat, its history and its numbers", () => {
  const { room, world, keep, socket } = roomIn();
  socket.say({ seq: 11, from: "bob", text: "one" });
  room.speaker.say("unanswered");
  room.keeper.save();
  socket.say({ seq: 12, from: "bob", text: "not kept yet" });

  const again = new FakeWorld();
  const loaded = new Room(again, keep, { ...WISH }, keep.before);
  loaded.connect();
  const join = again.socket.open();
  assert.deepEqual([join.resume, join.epoch, join.heard], ["ticket-1", "e1", 11]);
  again.socket.say({ ...GRANTED, resume: "ticket-2", seq: 12 }, { seq: 12, from: "bob", text: "not kept yet" });
  assert.deepEqual(texts(loaded), [...texts(room).slice(0, 3), "not kept yet"]);
  assert.deepEqual(again.socket.said.find(({ say }) => say === "unanswered"), { say: "unanswered", n: 2 });
  loaded.speaker.say("new");
  assert.ok(again.socket.said.at(-1).n > 2, "a number is never used for something else");
  assert.ok(world.time);
});

test("a number is kept before it is used: a page that dies at once never uses it for something else", () => {
  const { room, keep, socket } = roomIn();
  for (const text of ["one", "two"]) {
    room.speaker.say(text);
    const { n, letters } = keep.before?.saved.outbox ?? {};
    assert.equal(n, socket.said.at(-1).n);
    assert.equal(letters.at(-1).text, text);
  }
});

test("of 200 messages a reload loses none and shows none twice, whenever it comes", () => {
  for (const cut of [0, 1, 57, 199, 200]) {
    const { room, keep, socket } = roomIn();
    /** @param {number} number */
    const entry = (number) => ({ seq: 10 + number, from: "bob", text: `text ${number}` });
    for (let number = 1; number <= cut; number++) {
      socket.say(entry(number));
      if (number % 50 === 0) room.keeper.save();
    }
    const again = new FakeWorld();
    const loaded = new Room(again, keep, { ...WISH }, keep.before);
    loaded.connect();
    const { heard } = again.socket.open();
    again.socket.say(GRANTED);
    for (let number = 1; number <= 200; number++) if (10 + number > heard) again.socket.say(entry(number));
    const shown = loaded.history.entries.filter(({ kind }) => kind === "message").map(({ text }) => text);
    assert.deepEqual(shown, Array.from({ length: 200 }, (_each, number) => `text ${number + 1}`));
  }
});

test("a password is never kept", () => {
  const { keep } = roomIn({ wish: { password: "hunter2" } });
  assert.ok(keep.seat && !keep.seat.includes("hunter2"));
});

test("who comes, goes, speaks up and becomes host is known", () => {
  const { room, socket } = roomIn();
  socket.say({ notice: "members", members: [{ name: "bob", host: true }, { name: "ann" }, { name: "cem", away: true }], total: 3, part: 1, more: false });
  assert.deepEqual(room.roster.people.map(({ name, host, away }) => [name, host, away]), [["bob", true, false], ["ann", false, false], ["cem", false, true]]);
  socket.say({ seq: 11, notice: "member_joined", name: "dot" }, { seq: 12, notice: "member_left", name: "bob" }, { seq: 13, notice: "host_changed", name: "ann" });
  socket.say({ seq: 14, from: "cem", text: "back" });
  assert.deepEqual(room.roster.people.map(({ name, host, away }) => [name, host, away]), [["ann", true, false], ["cem", false, false], ["dot", false, false]]);
  assert.ok(room.isHost);
});

test("a list in parts counts once it is whole, and is shown only to who asked", () => {
  const { room, socket } = roomIn();
  const before = texts(room).length;
  socket.say({ notice: "members", members: [{ name: "bob" }], total: 2, part: 1, more: true });
  assert.equal(room.roster.get("bob"), undefined);
  socket.say({ notice: "members", members: [{ name: "cem" }], total: 5, part: 2, more: false });
  assert.equal(room.roster.size, 5);
  assert.equal(texts(room).length, before);
  room.command("/who");
  socket.say({ notice: "members", members: [{ name: "bob", host: true }], total: 1, part: 1, more: false });
  assert.equal(texts(room).at(-1), "1 here: bob (host).");
});

test("unread messages and mentions are counted while nobody looks", () => {
  const { room, socket } = roomIn();
  room.look(true);
  socket.say({ seq: 11, from: "bob", text: "seen" });
  room.look(false);
  socket.say({ seq: 12, from: "bob", text: "ann, look" }, { seq: 13, from: "bob", text: "there" }, { seq: 14, notice: "member_joined", name: "cem" });
  assert.deepEqual([room.unread, room.mentioned], [2, 1]);
  room.look(true);
  assert.deepEqual([room.unread, room.mentioned], [0, 0]);
});

test("in a sealed room nothing goes out that the relay can read, and what comes is opened in order", async () => {
  const { room, socket } = roomIn({ wish: { key: KEY }, granted: { sealed: true } });
  assert.deepEqual([socket.sent[0].join.sealed, socket.sent[0].join.features], [true, ["notices", "resume", "sealed"]]);
  const bob = new Sealer(KEY, "tea", "bob");
  const [one, two] = [await bob.seal("one"), await bob.seal("two")];
  socket.say({ seq: 11, from: "bob", text: one }, { seq: 12, from: "bob", text: two }, { seq: 13, from: "bob", text: one }, { seq: 14, from: "eve", text: "plain" });
  room.speaker.say("secret");
  room.command("/topic secret plans");
  await settle(room);
  assert.deepEqual(texts(room).slice(1, 3), ["secret", "one"]);
  assert.deepEqual(texts(room).slice(3), ["two", "A message from eve isn't sealed, so it is not shown."]);
  assert.ok(socket.said.every(({ say }) => say === "/who" || /^(\/topic )?e2e1\./.test(say)), JSON.stringify(socket.said));
  assert.equal(room.session.seat?.heard, 14);
});

test("the key is never sent", async () => {
  const { room, socket } = roomIn({ wish: { key: KEY, create: true }, granted: { sealed: true, host: true } });
  room.speaker.say("hello");
  await settle(room);
  assert.ok(!JSON.stringify(socket.sent).includes(KEY));
});

test("a room that isn't sealed hears nothing of who has a key, and the other way round", () => {
  const unsealed = roomIn({ wish: { key: KEY } });
  assert.ok(unsealed.room.state.is === "ended" && unsealed.room.state.words.what.includes("isn't sealed"));
  const sealed = roomIn({ granted: { sealed: true } });
  assert.ok(sealed.room.state.is === "ended" && sealed.room.state.words.what.includes("sealed"));
  for (const { socket } of [unsealed, sealed]) assert.deepEqual(socket.sent.slice(1), [{ leave: true }]);
});
