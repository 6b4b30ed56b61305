"""The naive model's hosts keep order: what each command ought to do, and who hears of it (MOD-01 to MOD-07)."""

from math import inf

from chatproto import EvictionReason
from relay_server.core.address import network_of
from relay_server.net.address import make_address
from services.relay_server.core.naive_rooms import NaiveRooms, Person, Place
from services.relay_server.core.rooms_case import NOTHING_SAID

NOT_THE_HOST = "Only the host may do that; /who and /topic are for everybody."


class NaiveModeration(NaiveRooms):
    """Adds to the model of rooms what their hosts may do."""

    def _command(self, person: Person, word: str, name: str, port: int) -> None:
        """Let a member send a command, as a host does or not."""
        source = make_address(person.ip, port)
        text = f"/{word} {name}".strip()
        assert self._send(person.room, person.token, text.encode(), source) == NOTHING_SAID
        self._hear(person, source)
        place = self.places[person.room]
        if text in {"/who", "/topic"}:
            self._answer_question(person, place, text)
        elif place.host is not person:
            self._advise(person, NOT_THE_HOST)
        elif answer := self._obey(place, person, word, name):
            self._tell(person, answer)

    def _answer_question(self, person: Person, place: Place, text: str) -> None:
        if self.now < person.may_ask_at:
            self._advise(person, "You asked a moment ago: try again in a few seconds.")
            return
        person.may_ask_at = self.now + 1
        if text == "/topic":
            self._tell(person, f"topic: {place.topic}" if place.topic else "no topic")
            return
        roles = (
            (one, " (host)" if one is place.host else " (muted)" if place.is_muted(one) else "") for one in place.people
        )
        self._tell(person, f"{len(place.people)} here: {', '.join(one.name + role for one, role in roles)}.")

    def _obey(self, place: Place, host: Person, word: str, name: str) -> str | None:
        """Do what a host commands; returns what it alone is told."""
        if word == "topic":
            place.topic = name
            self._tell_all(place, host, f"topic: {name}")
            return None
        if word == "unban":
            return self._unban(place, name)
        if word == "unmute":
            return self._unmute(place, name)
        target = next((one for one in place.people if one.name.casefold() == name.casefold()), None)
        if word == "ban":
            return self._ban(place, host, target, name)
        if target is None:
            return f"Nobody here is called {name}."
        if target is host:
            return f"You can't /{word} yourself."
        if word == "kick":
            self._evict(target, EvictionReason.KICKED)
            return f"{target.name} was kicked; /ban keeps somebody out."
        return self._mute(place, target) if word == "mute" else self._hand_over(place, target)

    def _ban(self, place: Place, host: Person, target: Person | None, name: str) -> str:
        if target is host:
            return "The host can't be banned."
        network = network_of(target.ip) if target else None
        if network == network_of(host.ip):
            network = None
        called = target.name if target else name
        if any(called.casefold() == banned.casefold() and network in {None, known} for banned, known in place.bans):
            return f"{called} is banned already."
        place.bans.append((called, network))
        if target:
            self._evict(target, EvictionReason.KICKED)
        return f"{called} is banned by name {'and address' if network else 'alone'}."

    def _unban(self, place: Place, name: str) -> str:
        lifted = [ban for ban in place.bans if ban[0].casefold() == name.casefold()]
        place.bans = [ban for ban in place.bans if ban not in lifted]
        if not lifted:
            return f"{name} isn't banned."
        return f"{', '.join(banned for banned, _ in lifted)} may come in again."

    def _mute(self, place: Place, target: Person) -> str:
        if place.is_muted(target):
            return f"{target.name} is muted already."
        place.mutes.add(target.name.casefold())
        self._tell(target, "The host muted you: what you say is not relayed.")
        return f"{target.name} is muted; /unmute takes it back."

    def _unmute(self, place: Place, name: str) -> str:
        if name.casefold() not in place.mutes:
            return f"{name} isn't muted."
        self._free(place, name)
        return f"{name} may speak again."

    def _free(self, place: Place, name: str) -> None:
        place.mutes.discard(name.casefold())
        for one in place.people:
            if one.name.casefold() == name.casefold() and one.heard_at is not None:
                self._tell(one, "You may speak again.")

    def _hand_over(self, place: Place, target: Person) -> str | None:
        if target.heard_at is None:
            return f"{target.name} has not been heard yet: try again in a moment."
        if place.is_muted(target):
            self._free(place, target.name)
        place.host, place.host_was, place.hostless_since = target, (target.name, target.ip), inf
        self._tell_all(place, target, f"{target.name} is the host now")
        return None

    def _tell_all(self, place: Place, person: Person, text: str) -> None:
        """Tell everybody, and a person who may be paused."""
        where = [one.hears_at if one is person else one.listens_at for one in place.people]
        targets = sorted(address for address in where if address is not None)
        self.expected[f"server: {text}", tuple(targets)] += 1
