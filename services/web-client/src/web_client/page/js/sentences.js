// What relays say in English sentences, which are found again in the catalogue.

import { N_ } from "./i18n.js";

/** Why somebody isn't let in, said more exactly than by the status. */
export const REFUSALS = [
  N_("The user name is reserved: choose another."),
  N_("The user name ends like a mark in a list, such as (host): leave that out."),
  N_("The host of this room has banned you."),
  N_("The user name begins with a mark ({character}): put a letter before it."),
  N_("The room name begins with a mark ({character}): put a letter before it."),
  N_("The user name has a character that names can't have ({character}): leave it out."),
  N_("The room name has a character that names can't have ({character}): leave it out."),
  N_("The user name has a character that can't be shown ({character}): leave it out."),
  N_("The room name has a character that can't be shown ({character}): leave it out."),
  N_("There is no such room, or the password is wrong."),
  N_("The room has a password: give it to join."),
  N_("The relay has as many members as it may: try later."),
  N_("The relay has as many rooms as it may: join one or try later."),
  N_("Your address has as many members as it may: leave a room first."),
  N_("Your address has as many rooms as it may: close one first."),
  N_("Too many joins from your address: try again in a few seconds."),
  N_("Too many wrong passwords: try again in two minutes."),
  N_("Too many requests are open: try again in a moment."),
  N_("The relay is short of memory for passwords: try again in a moment."),
  N_("The relay checks many passwords just now: try again in a moment."),
  N_("The relay didn't get to the request in time: try again in a moment."),
  N_("This relay has no sealed rooms: create one that isn't sealed, or use another relay."),
];

/** What became of a command, or of what one said. */
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
