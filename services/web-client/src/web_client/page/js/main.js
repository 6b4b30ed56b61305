// The page begins here: its language, what it knew before it was loaded again, and the world around it.

import { _, bestLanguage, useLanguage } from "./i18n.js";
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

const store = new Store(storageOr(() => sessionStorage), storageOr(() => localStorage));
const tag = bestLanguage([store.choices().language ?? "", ...navigator.languages]);
const answer = tag === "en" ? null : await fetch(`i18n/${tag}.json`);
useLanguage(tag, answer?.ok ? await answer.json() : {}, navigator.languages);
document.documentElement.lang = tag;
document.title = _("Chat");

await import("./ui/app.js"); // after the language is known: some texts are made once
const app = /** @type {import("./ui/app.js").ChatApp} */ (document.querySelector("chat-app"));
app.begin(world, store);

/** @param {(room: import("./room.js").Room) => void} does */
const withRooms = (does) => {
  for (const { room } of app.rooms.values()) does(room);
};
// A device that slept or changed its network isn't told that a connection is gone.
const wake = () => withRooms((room) => room.session.wake());
addEventListener("online", wake);
addEventListener("pageshow", wake);
addEventListener("pagehide", () => withRooms((room) => room.keeper.save()));
addEventListener("focus", () => app.look());
addEventListener("blur", () => app.look());
addEventListener("hashchange", () => app.follow());
document.addEventListener("visibilitychange", () => {
  app.look();
  if (document.hidden) withRooms((room) => room.keeper.save());
  else wake();
});
document.addEventListener("keydown", (event) => {
  const step = event.altKey ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
  const rooms = [...app.rooms.values()].map(({ room }) => room);
  if (!step || !app.shown || rooms.length < 2) return;
  event.preventDefault();
  app.showRoom(rooms[(rooms.indexOf(app.shown) + step + rooms.length) % rooms.length] ?? null);
});
// Where the phone's keyboard lies over the page instead of making it smaller, the page makes itself smaller.
const fit = () => {
  const view = window.visualViewport;
  document.documentElement.style.setProperty("--height", view && view.scale === 1 ? `${view.height}px` : "");
  if (view?.offsetTop) scrollTo(0, 0);
};
window.visualViewport?.addEventListener("resize", fit);
fit();
