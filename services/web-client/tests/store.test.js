import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../src/web_client/page/js/announcer.js";
import { L_, _, bestLanguage, coded, ngettext, useLanguage } from "../src/web_client/page/js/i18n.js";
import { Store, storageOr } from "../src/web_client/page/js/store.js";
import { FakeWorld } from "./fake.js";

/** What a browser that allows no storage does. */
const forbidden = () => {
  throw new Error("SecurityError");
};
const made = () => new Store(storageOr(forbidden), storageOr(forbidden));

/** @param {number} count @param {string} text @returns {Chat.Entry[]} */
const entries = (count, text) => Array.from({ length: count }, (_each, number) => ({ id: number + 1, kind: "message", from: "bob", text, at: 0, seq: number }));
/** @type {Chat.SavedSeat} */
const SAVED = { wish: { room: "tea", name: "ann", password: "", create: false, key: "" }, seat: null, outbox: { n: 0, letters: [] } };

test("rooms outlive a reload, even where the browser keeps nothing for longer", () => {
  const store = made();
  const keep = store.keep("tea");
  keep.saveSeat(SAVED);
  keep.saveLog({ heard: 3, entries: entries(3, "x"), nextId: 4, topic: "", quiet: false });
  assert.deepEqual(store.rooms().map(({ saved, log }) => [saved.wish.room, log?.entries.length]), [["tea", 3]]);
  keep.forget();
  assert.deepEqual(store.rooms(), []);
});

test("only the newest lines are kept, and never more than there is room for", () => {
  const store = made();
  store.keep("tea").saveSeat(SAVED);
  /** @param {number} count @param {string} text */
  const kept = (count, text) => {
    store.keep("tea").saveLog({ heard: 1, entries: entries(count, text), nextId: 1, topic: "", quiet: false });
    return store.rooms()[0]?.log?.entries ?? [];
  };
  assert.equal(kept(900, "x").length, 500);
  assert.equal(kept(900, "x").at(-1)?.id, 900);
  assert.ok(kept(900, "x".repeat(4000)).length < 100);
});

test("what is damaged is left aside", () => {
  const store = made();
  store.tab.setItem("chat.seat.tea", "{");
  store.tab.setItem("chat.seat.lab", '{"wish":7}');
  const planted = { wish: { room: "evil" }, outbox: { n: 0, letters: [] }, seat: null };
  store.tab.setItem("chat.seat.one", JSON.stringify({ ...planted, outbox: { letters: "y" } }));
  store.tab.setItem("chat.seat.two", JSON.stringify({ ...planted, seat: { ticket: 7 } }));
  store.browser.setItem("chat.recents", '[{"room":7},{"room":"tea","name":"ann"}]');
  store.browser.setItem("chat.choices", "7");
  assert.deepEqual(store.rooms(), []);
  assert.deepEqual(store.recents(), [{ room: "tea", name: "ann" }]);
  assert.deepEqual(store.choices(), {});
});

test("a full storage doesn't end the chat", (context) => {
  context.mock.method(console, "warn", () => undefined);
  const full = { getItem: () => null, setItem: forbidden, removeItem: () => undefined };
  new Store(full, full).addRecent("tea", "ann");
});

test("recent rooms are few, the newest first, each once", () => {
  const store = made();
  for (let number = 0; number < 20; number++) store.addRecent(`room ${number % 10}`, "ann");
  assert.deepEqual(store.recents().map(({ room }) => room), [9, 8, 7, 6, 5, 4, 3, 2].map((number) => `room ${number}`));
  store.removeRecent("room 9");
  assert.equal(store.recents()[0]?.room, "room 8");
});

test("keys are kept for the tab alone, and only until the room is left", () => {
  const store = made();
  store.saveKey("lab", "AAECAwQFBgcICQoLDA0ODw");
  store.addRecent("lab", "ann");
  assert.equal(store.keyOf("lab"), "AAECAwQFBgcICQoLDA0ODw");
  assert.ok(!JSON.stringify(store.browser).includes("AAEC"));
  store.keep("lab").forget();
  assert.equal(store.keyOf("lab"), "");
});

test("the first language that there is, is chosen", () => {
  assert.equal(bestLanguage(["", "de-DE", "ja-JP", "en"]), "ja");
  assert.equal(bestLanguage(["de"]), "en");
});

test("texts, numbers, labels and what relays say by codes are in the chosen language", () => {
  useLanguage("ja", { "{name} left": "{name} さんが退室しました", "&Leave": "退室(&L)", "{count} member": "メンバー {count} 人", "Nobody here is called {name}.": "{name} はいません。" }, [], { nobody: "Nobody here is called {name}." });
  assert.equal(_("{name} left", { name: "{name}" }), "{name} さんが退室しました");
  assert.equal(L_("&Leave"), "退室");
  assert.equal(ngettext("{count} member", "{count} members", 2), "メンバー 2 人");
  assert.equal(coded("nobody", { name: "a.b" }), "a.b はいません。");
  assert.deepEqual([coded("toString", {}), coded(undefined, {})], [null, null]);
  useLanguage("en", {}, ["en-GB"]);
  assert.deepEqual([L_("Try &now"), L_("&Kick..."), ngettext("{count} member", "{count} members", 1)], ["Try now", "Kick…", "1 member"]);
});

test("screen readers hear at most one announcement a second, and many messages as a number", () => {
  const world = new FakeWorld();
  /** @type {{ textContent: string | null }} */
  const region = { textContent: "" };
  const announcer = new Announcer(region, world.setTimer);
  announcer.say("bea: one");
  announcer.say("bea: two");
  assert.equal(region.textContent, "bea: one");
  world.pass(1000);
  assert.equal(region.textContent, "bea: two");
  for (let number = 0; number < 50; number++) announcer.say("x");
  world.pass(1000);
  assert.equal(region.textContent, "50 new messages");
  world.pass(5000);
  announcer.say("bea: later");
  assert.equal(region.textContent, "bea: later");
});
