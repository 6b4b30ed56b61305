// Why relays let somebody not in, in English sentences that say more than a status: they are found again in the catalogue.

import { N_ } from "./i18n.js";

export const REFUSALS = [
  N_("The user name is reserved: choose another."),
  N_("The user name ends like a mark in a list, such as (host): leave that out."),
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
  N_("The relay has as many streams as it may: chat over UDP, or try later."),
  N_("The relay carries as many members as it may: try later."),
  N_("The relay has too many links to other nodes: try again in a moment."),
  N_("The room's node can't be reached: try again in a moment."),
  N_("The room's node is gone: try again in a moment."),
  N_("This relay lets in by TLS alone: use a client that speaks it (chat --tls)."),
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
