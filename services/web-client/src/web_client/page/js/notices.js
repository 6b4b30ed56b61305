// What relays say in English of a command, or of what one said; only a page in another language loads and looks for it.

import { N_ } from "./i18n.js";

export const NOTICES = [
  N_("Only the host may do that; /who and /topic are for everybody."),
  N_("You asked a moment ago: try again in a few seconds."),
  N_("/{command} whom? Write the name after it."),
  N_("The name can't be used."),
  N_("Nobody here is called {name}."),
  N_("Several names look like {name}: write it as the member does."),
  N_("You can't /{command} yourself."),
  N_("The host can't be banned."),
  N_("{name} is banned already."),
  N_("{name} isn't banned."),
  N_("The room has {count} bans, as many as it may: lift one first."),
  N_("The host can't be muted."),
  N_("{name} is muted already."),
  N_("{name} isn't muted."),
  N_("The room has {count} mutes, as many as it may: lift one first."),
  N_("{name} has not been heard yet: try again in a moment."),
  N_("The topic is too long by {bytes} bytes."),
  N_("The room is sealed, but the topic wasn't: it is unchanged."),
  N_("The password can't be used."),
  N_("The password before is still being worked on: try again in a moment."),
  N_("The password was not changed: you are not the host any more."),
  N_("The relay is busy: try again in a moment."),
  N_("slow down: some of your messages were not relayed"),
  N_("message too long by {bytes} bytes: it was not relayed"),
  N_("You are muted: what you say is not relayed."),
];
