// Why a command failed, or what one said wasn't relayed (FEAT-03); only a page in another language than relays' loads it.

import { N_ } from "./i18n.js";

export const NOTICES = {
  not_host: N_("Only the host may do that; /who and /topic are for everybody."),
  asked_too_soon: N_("You asked a moment ago: try again in a few seconds."),
  no_name: N_("/{command} whom? Write the name after it."),
  bad_name: N_("The name can't be used."),
  nobody: N_("Nobody here is called {name}."),
  ambiguous: N_("Several names look like {name}: write it as the member does."),
  yourself: N_("You can't /{command} yourself."),
  ban_of_host: N_("The host can't be banned."),
  already_banned: N_("{name} is banned already."),
  not_banned: N_("{name} isn't banned."),
  too_many_bans: N_("The room has {count} bans, as many as it may: lift one first."),
  mute_of_host: N_("The host can't be muted."),
  already_muted: N_("{name} is muted already."),
  not_muted: N_("{name} isn't muted."),
  too_many_mutes: N_("The room has {count} mutes, as many as it may: lift one first."),
  not_heard_yet: N_("{name} has not been heard yet: try again in a moment."),
  topic_too_long: N_("The topic is too long by {bytes} bytes."),
  topic_not_sealed: N_("The room is sealed, but the topic wasn't: it is unchanged."),
  bad_password: N_("The password can't be used."),
  password_in_work: N_("The password before is still being worked on: try again in a moment."),
  not_host_any_more: N_("The password was not changed: you are not the host any more."),
  busy: N_("The relay is busy: try again in a moment."),
  too_long: N_("message too long by {bytes} bytes: it was not relayed"),
  message_rate: N_("slow down: some of your messages were not relayed"),
  byte_rate: N_("slow down: some of your messages were not relayed"),
  copy_rate: N_("slow down: some of your messages were not relayed"),
  muted: N_("You are muted: what you say is not relayed."),
  not_sealed: N_("The room is sealed, but your message wasn't: it was not relayed."),
};
