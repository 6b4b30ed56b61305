// What one may do with a room: everybody, and what only its host may.

import { L_, _ } from "../i18n.js";
import { askText, showHelp } from "./dialogs.js";

/**
 * @param {import("../room.js").Room} room
 * @param {import("./app.js").ChatApp} app
 * @param {import("./room-view.js").RoomView} view
 * @returns {import("./menu.js").Item[]}
 */
export function roomItems(room, app, view) {
  const isIn = room.state.is === "in";
  /** @type {import("./menu.js").Item[]} */
  const items = [
    { label: L_("Copy &invitation"), press: () => app.invite(room) },
    // On a phone there is no room for it above the messages.
    ...(view.sealing ? [{ label: view.sealing, press: () => app.copy(view.sealing, _("Copied.")) }] : []),
    { label: L_("&Who is here"), disabled: !isIn || !room.obeys, press: () => room.command("/who") },
    ...notificationItems(room, app),
    { label: L_("&Help"), press: () => showHelp() },
  ];
  if (room.isHost && isIn && room.obeys) {
    items.push("line",
      { label: L_("&Topic..."), press: () => askTopic(room) },
      { label: L_("&Password..."), press: () => view.choosePassword() },
      { label: L_("&Remove the password"), press: () => room.command("/password -") },
      { label: L_("Show &bans"), press: () => room.command("/unban") },
      { label: L_("&Unban..."), press: () => askUnban(room) });
  }
  const leave = room.state.is === "ended" ? L_("Remove from &list") : L_("&Leave");
  return [...items, "line", { label: leave, danger: true, press: () => app.leave(room) }];
}

/**
 * @param {import("../room.js").Room} room
 * @param {import("./app.js").ChatApp} app
 * @returns {import("./menu.js").Item[]}
 */
function notificationItems(room, { attention }) {
  if (!attention.isPossible) return [];
  const isOn = attention.isOn && !room.quiet;
  return [{
    label: isOn ? L_("Notifications &off") : _("Notifications on"),
    press: () => {
      if (!attention.isOn) attention.turn(true);
      room.setQuiet(isOn);
    },
  }];
}

/** @param {import("../room.js").Room} room */
async function askTopic(room) {
  const topic = await askText({
    title: _("Topic"), label: _("Topic of the room (leave empty to remove it):"), value: room.topic, ok: _("Topic"), limit: 512,
  });
  if (topic !== null) room.command(`/topic ${topic.trim() || "-"}`);
}

/** @param {import("../room.js").Room} room */
async function askUnban(room) {
  const name = await askText({ title: _("Unban"), label: _("Name to unban:"), ok: _("Unban"), least: 1 });
  if (name) room.command(`/unban ${name}`);
}
