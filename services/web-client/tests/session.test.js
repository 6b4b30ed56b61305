import assert from "node:assert/strict";
import { test } from "node:test";

import { useLanguage } from "../src/web_client/page/js/i18n.js";
import { Room } from "../src/web_client/page/js/room.js";
import { REFUSALS } from "../src/web_client/page/js/sentences.js";
import { FakeWorld, FakeKeep, GRANTED, WISH, roomIn, texts } from "./fake.js";

test("the first message is the join, and what is answered is used at once", () => {
  const { socket } = roomIn();
  assert.deepEqual(socket.sent[0].join, {
    room: "tea", name: "ann", password: null, create: false, sealed: false, resume: null, epoch: null, heard: null,
    attempt: "nonce-number-00001", features: ["notices", "resume"],
  });
  assert.deepEqual(socket.sent.slice(1), [{ say: "/who", n: 1 }, { ping: 1 }]);
});

test("pings are answered", () => {
  const { socket } = roomIn();
  socket.say({ ping: 9 });
  assert.deepEqual(socket.sent.at(-1), { pong: 9 });
});

test("a broken connection is taken up again where it was, and what was said meanwhile is said then", () => {
  const { room, world, socket } = roomIn();
  socket.say({ seq: 11, from: "bob", text: "one" });
  room.speaker.say("before");
  socket.break();
  assert.equal(room.state.is, "waiting");
  room.speaker.say("meanwhile");
  world.pass(500);
  const join = world.socket.open();
  assert.deepEqual([join.resume, join.epoch, join.heard, join.password], ["ticket-1", "e1", 11, null]);
  world.socket.say({ ...GRANTED, resume: "ticket-2", seq: 12 });
  assert.deepEqual(world.socket.said.filter(({ say }) => say !== "/who"), [{ say: "before", n: 2 }, { say: "meanwhile", n: 3 }]);
});

test("nothing is shown twice after a resume, and loss is told", () => {
  const { room, world, socket } = roomIn();
  socket.say({ seq: 11, from: "bob", text: "one" });
  socket.break();
  world.pass(500);
  world.socket.open();
  world.socket.say(GRANTED, { seq: 11, from: "bob", text: "one" }, { gone: [12, 14] }, { seq: 15, from: "bob", text: "two" });
  assert.deepEqual(texts(room).slice(1), ["one", "3 messages were lost here.", "two"]);
});

test("an attempt keeps its nonce until it is answered", () => {
  const { world, socket } = roomIn();
  socket.break();
  world.pass(500);
  const first = world.socket.open().attempt;
  world.socket.break();
  world.pass(1000);
  assert.equal(world.socket.open().attempt, first);
});

test("pauses grow up to half a minute, and end with a good connection", () => {
  const { room, world, socket } = roomIn();
  socket.break();
  const pauses = [];
  for (let time = 0; time < 9; time++) {
    assert.ok(room.state.is === "waiting");
    pauses.push(room.state.at - world.time);
    world.pass(room.state.at - world.time);
    world.socket.break();
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  world.pass(30_000);
  world.socket.open();
  world.socket.say(GRANTED);
  for (let half = 0; half < 2; half++) {
    world.pass(20_000);
    world.socket.say({ ping: 1 });
  }
  world.socket.break();
  assert.equal(room.state.is === "waiting" && room.state.at - world.time, 500);
});

test("a relay that says nothing for long is given up for another connection", () => {
  const { room, world, socket } = roomIn();
  world.pass(39_000);
  assert.equal(room.state.is, "in");
  world.pass(1000);
  assert.ok(socket.isClosed);
  assert.equal(room.state.is, "waiting");
});

test("a lost seat is joined anew; what is unanswered is not delivered and can be sent again, what waits is sent", () => {
  const { room, world, socket } = roomIn();
  room.speaker.say("unanswered");
  socket.break();
  room.speaker.say("waits");
  world.pass(500);
  world.socket.open();
  world.socket.say({ status: 15, message: "" });
  const join = world.socket.open();
  assert.deepEqual([join.resume, join.create], [null, false]);
  world.socket.say({ ...GRANTED, epoch: "e2", seq: 3 });
  assert.deepEqual(world.socket.said.map(({ say }) => say), ["waits", "/who"]);
  const lost = room.history.entries.find(({ text }) => text === "unanswered");
  assert.equal(lost?.state, "lost");
  room.speaker.sayAgain(lost?.id ?? 0);
  assert.equal(world.socket.said.at(-1).say, "unanswered");
  assert.ok(texts(room).includes("You are back; you may have missed something."));
});

test("after a restart the host makes the room anew, with its topic; others wait for that", () => {
  const host = roomIn({ wish: { create: true }, granted: { host: true } });
  host.socket.say({ seq: 11, notice: "topic", text: "about tea" });
  const other = roomIn({ wish: { name: "bob" } });
  for (const { world, socket } of [host, other]) {
    socket.say({ bye: "shutdown", message: "" });
    socket.break();
    world.pass(500);
    world.socket.open();
    world.socket.say({ status: 15, message: "" });
    world.socket.open();
    world.socket.say({ status: 2, message: "" });
  }
  assert.equal(host.world.socket.open().create, true);
  host.world.socket.say({ ...GRANTED, host: true, epoch: "e2", seq: 0 });
  assert.ok(host.world.socket.said.some(({ say }) => say === "/topic about tea"));
  assert.ok(other.room.state.is === "waiting" && other.room.state.words.what.startsWith("The relay seems to have been restarted"));
});

test("who is removed, banned or taken over elsewhere doesn't come back by itself", () => {
  for (const reason of ["kicked", "host_left", "resumed_elsewhere", "abuse"]) {
    const { room, world, socket, keep } = roomIn();
    socket.say({ bye: reason, message: "" });
    socket.break();
    world.pass(600_000);
    assert.equal(room.state.is, "ended", reason);
    assert.equal(world.sockets.length, 1, reason);
    assert.equal(keep.before, null, reason);
  }
});

test("what the relay says more exactly than a status is said, in the chosen language if it is known", () => {
  /** @param {Record<string, unknown>} refused */
  const words = (refused) => {
    const world = new FakeWorld();
    const room = new Room(world, new FakeKeep(), WISH);
    room.connect();
    world.socket.open();
    world.socket.say(refused);
    assert.ok(room.state.is === "ended");
    return room.state.words;
  };
  const exact = { status: 5, reason: "bad_name", message: "No.", code: "user_name_too_long", size: 300, limit: 255 };
  const plain = { status: 11, reason: "busy", message: "The relay is busy: try again in a moment.", code: "busy" };
  const later = { status: 11, reason: "busy", message: "Of a later version.", code: "constructor" };
  const older = { status: 11, reason: "busy", message: "Of an older version." };
  assert.deepEqual([exact, later, older].map((each) => words(each).what), [exact, later, older].map(({ message }) => message));
  assert.deepEqual(words(plain), { what: "The relay is busy.", todo: "Try again in a moment." });
  const translations = {
    "The user name has {size} bytes: use at most {limit}.": "{limit} < {size}", "The relay is busy.": "混雑",
    "Try again in a moment.": "後で", '{what} The relay says: "{text}"': "{what}「{text}」",
  };
  useLanguage("ja", translations, [], REFUSALS);
  assert.deepEqual(words(exact), { what: "255 < 300", todo: "" });
  assert.deepEqual(words(plain), { what: "混雑", todo: "後で" });
  assert.deepEqual(words(later), { what: "混雑「Of a later version.」", todo: "後で" });
  assert.deepEqual(words(older), { what: "混雑「Of an older version.」", todo: "後で" });
  assert.deepEqual(words({ ...plain, status: 99, message: "Odd.", code: "odd" }), { what: "Odd.", todo: "" });
  useLanguage("en", {}, []);
});

test("who is banned is offered no way back, and who is kicked is", () => {
  const message = "The host of this room has banned you."; // which nobody reads
  for (const [banned, may] of /** @type {const} */ ([[true, "nothing"], [false, "join"]])) {
    const { room, socket } = roomIn();
    socket.say({ bye: "kicked", message, banned });
    assert.ok(room.state.is === "ended");
    assert.equal(room.state.may, may);
    assert.equal(room.state.words.what, banned ? message : "The host removed you.");
  }
});

test("who is refused at first hears why, and what may help", () => {
  /** @type {[number, string][]} */
  const ways = [[1, "join"], [2, "join"], [3, "password"], [4, "name"], [5, "name"], [6, "join"], [13, "nothing"]];
  for (const [status, may] of ways) {
    const world = new FakeWorld();
    const room = new Room(world, new FakeKeep(), WISH);
    room.connect();
    world.socket.open();
    world.socket.say({ status, message: "" });
    assert.ok(room.state.is === "ended");
    assert.equal(room.state.may, may);
    assert.ok(room.state.words.what);
  }
});

test("a page that can't reach the relay says so", () => {
  const world = new FakeWorld();
  const room = new Room(world, new FakeKeep(), WISH);
  room.connect();
  world.pass(20_000);
  assert.ok(room.state.is === "ended" && room.state.words.what.startsWith("No relay answers"));
});

test("rubbish from the relay breaks the connection, not the page", (context) => {
  context.mock.method(console, "error", () => undefined);
  const { room, socket } = roomIn();
  socket.say("{");
  assert.equal(room.state.is, "waiting");
});

test("whoever leaves says so, and nothing is kept", () => {
  const { room, world, socket, keep } = roomIn();
  room.leave();
  assert.deepEqual(socket.sent.at(-1), { leave: true });
  world.pass(600_000);
  assert.equal(keep.before, null);
  assert.equal(world.sockets.length, 1);
});
