// The page itself: its language, what it knew before it was loaded again, and the world around it.

import { _, bestLanguage, useLanguage } from "./i18n.js";
import { watchNaps } from "./naps.js";
import { Store, storageOr } from "./store.js";

const NONCE_BYTES = 16;

/** @type {Chat.World} */
const world = {
  openSocket: () => {
    const url = new URL("chat", location.href);
    url.hash = "";
    url.search = "";
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    return new WebSocket(url);
  },
  now: () => Date.now(),
  setTimer: (then, milliseconds) => window.setTimeout(then, milliseconds),
  clearTimer: (timer) => window.clearTimeout(timer),
  random: () => Math.random(),
  nonce: () => [...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
};

const app = /** @type {import("./ui/app.js").ChatApp} */ (document.querySelector("chat-app"));
const store = new Store(storageOr(() => sessionStorage), storageOr(() => localStorage));

/** Load what depends on the language; returns what begins the page. */
export async function load() {
  const tag = bestLanguage([store.choices().language ?? "", ...navigator.languages]);
  if (tag === "en") {
    useLanguage(tag, {}, navigator.languages);
  } else {
    const [texts, { NOTICES }, { REFUSALS }] = await Promise.all([
      fetch(`i18n/${tag}.json`), import("./notices.js"), import("./sentences.js"),
    ]);
    if (!texts.ok) throw new Error(`The texts didn't come: status ${texts.status}.`);
    useLanguage(tag, await texts.json(), navigator.languages, { ...NOTICES, ...REFUSALS });
  }
  document.documentElement.lang = tag;
  document.title = _("Chat");
  await import("./ui/app.js"); // after the language is known: some texts are made once
  return begin;
}

/** @param {(room: import("./room.js").Room) => void} does */
function withRooms(does) {
  for (const { room } of app.rooms.values()) does(room);
}

/** Look after the connections: a device that slept or changed its network isn't told that one is gone. */
const wake = () => withRooms((room) => room.session.wake());

/** Make the page smaller where the phone's keyboard lies over it instead of doing that. */
function fit() {
  const view = window.visualViewport;
  document.documentElement.style.setProperty("--height", view && view.scale === 1 ? `${view.height}px` : "");
  if (view?.offsetTop) scrollTo(0, 0);
}

/** @param {KeyboardEvent} event */
function goToNextRoom(event) {
  const step = event.altKey ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
  const rooms = [...app.rooms.values()].map(({ room }) => room);
  if (!step || !app.shown || rooms.length < 2) return;
  event.preventDefault();
  app.showRoom(rooms[(rooms.indexOf(app.shown) + step + rooms.length) % rooms.length] ?? null);
}

function begin() {
  app.begin(world, store);
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  addEventListener("pagehide", () => withRooms((room) => room.keeper.save()));
  addEventListener("focus", () => {
    app.look();
    wake();
  });
  addEventListener("blur", () => app.look());
  addEventListener("hashchange", () => app.follow());
  addEventListener("keydown", goToNextRoom);
  document.addEventListener("visibilitychange", () => {
    app.look();
    if (document.hidden) withRooms((room) => room.keeper.save());
    else wake();
  });
  document.addEventListener("resume", wake);
  watchNaps(world, () => {
    if (!document.hidden) wake(); // timers of a hidden page are late anyhow
  });
  visualViewport?.addEventListener("resize", fit);
  fit();
}
