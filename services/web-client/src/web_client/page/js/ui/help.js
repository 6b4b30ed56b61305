// What keys and commands there are; loaded when somebody asks.

import { _ } from "../i18n.js";
import { h } from "./dom.js";

/** @returns {HTMLElement[]} what the dialog shows */
export function tables() {
  const keys = [
    ["Enter", _("Send the message")],
    ["Shift+Enter", _("Start a new line")],
    ["Alt+↓ Alt+↑", _("next room, previous room")],
    ["↑ ↓ Enter", _("reply to a message, copy it, mention its sender")],
    ["> ", _("With a space, at the start of a line: a quote")],
    ["`", _("Around text: code; three of them around lines: a block of code")],
  ];
  const commands = [
    ["/who", _("list the members")],
    ["/topic TEXT", _("set the topic; /topic - removes it")],
    ["/kick NAME", _("remove a member from the room")],
    ["/ban NAME", _("remove a member and ban the name and its address")],
    ["/unban NAME", _("lift a ban; /unban alone lists the bans")],
    ["/mute NAME", _("stop relaying what a member says")],
    ["/unmute NAME", _("relay it again")],
    ["/host NAME", _("make another member the host")],
    ["/password", _("set a new password, typed unseen; /password - removes it")],
    ["//", _('send "/word" as a message')],
  ];
  /** @param {string[][]} rows */
  const table = (rows) => h("dl", {}, ...rows.flatMap(([key, what]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { text: what })]));
  return [
    h("h3", { text: _("Keys") }), table(keys), h("h3", { text: _("Commands, typed in the message field") }), table(commands),
  ];
}
