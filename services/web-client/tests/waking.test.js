// A device that slept, or changed its network: its timers stood still, and its connection may be gone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { watchNaps } from "../src/web_client/page/js/naps.js";
import { Room } from "../src/web_client/page/js/room.js";
import { FakeWorld, FakeKeep, GRANTED, WISH, roomIn } from "./fake.js";

test("a device that wakes up asks, and doesn't wait long for an answer", () => {
  const { room, world, socket } = roomIn();
  world.time += 6_000;
  room.session.wake();
  assert.deepEqual(socket.sent.at(-1), { ping: 2 });
  world.pass(3_000);
  room.session.wake();
  assert.deepEqual(socket.sent.at(-1), { ping: 2 });
  world.pass(1_000);
  assert.equal(room.state.is, "waiting");
  room.session.wake();
  assert.equal(room.state.is, "connecting");
});

test("a device that wakes up after long doesn't ask: it connects again at once, once", () => {
  const { room, world, socket } = roomIn();
  world.time += 75_000; // its timers stood still
  for (let event = 0; event < 3; event++) room.session.wake();
  assert.ok(socket.isClosed);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.open().resume, "ticket-1");
  world.socket.say(GRANTED);
  assert.equal(room.state.is, "in");
});

test("a device that wakes up doesn't wait for the pause to end, and the next pauses are short", () => {
  const { room, world, socket } = roomIn();
  const pause = () => (room.state.is === "waiting" ? room.state.at - world.time : 0);
  socket.break();
  while (pause() < 30_000) {
    world.pass(pause());
    world.socket.break();
  }
  room.session.wake();
  assert.equal(room.state.is, "connecting");
  world.socket.break(); // the network isn't there yet
  assert.equal(pause(), 1000);
  world.pass(1000);
  world.socket.open();
  world.socket.say(GRANTED);
  const { length } = world.sockets;
  world.pass(30_000);
  assert.equal(world.sockets.length, length); // the long pause is over, too
});

test("a device that wakes up gives up a connection that doesn't come about, but not a young one", () => {
  const { keep } = roomIn();
  const world = new FakeWorld();
  const room = new Room(world, new FakeKeep(), WISH, keep.before);
  room.connect();
  world.time += 3_000;
  room.session.wake();
  assert.equal(world.sockets.length, 1);
  world.time += 1_000;
  room.session.wake();
  room.session.wake();
  assert.deepEqual(world.sockets.map(({ isClosed }) => isClosed), [true, false]);
  assert.equal(world.socket.open().attempt, "nonce-number-00001"); // so it is one attempt
});

test("after the end nothing wakes a room", () => {
  const { room, world, socket } = roomIn();
  socket.say({ bye: "kicked", message: "" });
  world.time += 75_000;
  room.session.wake();
  assert.equal(world.sockets.length, 1);
});

test("a nap is noticed by the clock, and time that passes is none", () => {
  const world = new FakeWorld();
  let naps = 0;
  watchNaps(world, () => naps++);
  world.pass(60_000);
  assert.equal(naps, 0);
  world.time += 60_000;
  world.pass(2_000);
  assert.equal(naps, 1);
  world.pass(60_000);
  assert.equal(naps, 1);
});
