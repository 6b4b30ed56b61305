"""The lobby, stage 1's chat: whoever speaks is in, and hears what the others say (LOB-01 to LOB-05)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from chatproto import Challenge, Disconnected, EvictionReason, parse_lobby
from chatproto.constants import MAX_DATAGRAM_BYTES
from relay_server.core import events
from relay_server.core.address import is_answerable, is_own, network_of
from relay_server.core.admission import Census
from relay_server.core.audience import Audience, Forward, Group, Listener, Outgoing
from relay_server.core.changes import Changes
from relay_server.core.counters import Counters, DropReason
from relay_server.core.deadlines import DeadlineQueue
from relay_server.core.endpoint import Address, Host, Locate
from relay_server.core.limits import SMALL_AUDIENCE, Buckets, NetworkBuckets, SpeechLimit, TokenBucket
from relay_server.core.names import passes_for_server
from relay_server.core.policy import Policy
from relay_server.core.provisional import ProvisionalAddresses
from relay_server.core.reachability import SilentHosts, Watch

NEW_NAMES_A_SECOND: Final = 5.0
"""Newcomers and new names of one address whose name is looked at, which is most of the work there is (LIM-01)."""
NEW_NAMES_AT_ONCE: Final = 64
"""So many more: a school that starts together, as many as may be there from one address by default."""
ALL_NEW_NAMES_A_SECOND: Final = 100.0
"""The same of all addresses together: a datagram's source may be forged, so each may seem to come from another."""
ALL_NEW_NAMES_AT_ONCE: Final = 1000
"""So many more: all that a lobby has by default, come back after a restart."""
COPIES_PER_MESSAGE: Final = 125
"""So many copies a second all clients of a large lobby may cause for each message a second that one of them may say."""


@dataclass(slots=True, eq=False, kw_only=True)
class LobbyClient(Listener):
    """Somebody who spoke in the lobby."""

    name: bytes
    limit: SpeechLimit | None


class Lobby:
    """Knows who spoke lately, and judges datagrams as `relay.Relay` does for the rooms."""

    def __init__(
        self,
        policy: Policy,
        observer: events.Observer,
        new_nonce: Callable[[], str],
        locate: Locate,
        provisional: ProvisionalAddresses | None = None,
        *,
        port: int = 0,
        ip: bytes | None = None,
    ) -> None:
        """``provisional`` is the rooms': what a client of the lobby proves is nobody's provisional address.

        ``port`` and ``ip`` are the lobby's own (see `address.is_own`).
        """
        self.counters = Counters()
        self.changes = Changes()
        """Of clients."""
        self.clients_by_remote: dict[bytes, LobbyClient] = {}
        """All, see `Endpoint.remote`."""
        self._clients_by_address: dict[Address, LobbyClient] = {}
        """The same, so that no address is taken apart that was heard before."""
        self._locate = locate
        self._port, self._ip = port, ip
        self._policy = policy
        self._observer = observer
        self._provisional = provisional or ProvisionalAddresses(allowed=False)
        self._watch: Watch[LobbyClient] = Watch(new_nonce, self._ask, self._give_up, self._pause, self._resume)
        self._silent_hosts = SilentHosts()
        self._closed = False
        self._census = Census(policy.max_members_per_room, policy.max_members_per_address)
        self._active: DeadlineQueue[LobbyClient] = DeadlineQueue(policy.silence_timeout_seconds)
        self._group = Group()
        # All who may be there may come at once; where their number has no limit, this has none either.
        own, everybody = policy.max_members_per_address, policy.max_members_per_room
        self._new_names = NetworkBuckets(NEW_NAMES_A_SECOND if own else 0.0, max(NEW_NAMES_AT_ONCE, own))
        self._all_new_names = Buckets(
            ALL_NEW_NAMES_A_SECOND if everybody else 0.0, max(ALL_NEW_NAMES_AT_ONCE, everybody)
        )
        # One for all: a source may be forged, so the copies of an address can't be counted as in rooms.
        rate = COPIES_PER_MESSAGE * policy.message_rate
        self._copies = TokenBucket(rate, rate, 0.0) if rate else None
        self.outbox: list[Outgoing] = []
        """What is to be said; who sends it takes it out."""

    def handle_datagram(self, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        """Decide about one datagram and count the decision (CON-01); None: it was accepted, and nobody gets it."""
        counters = self.counters
        counters.received += 1
        counters.bytes_received += len(data)
        result = self._judge(data, source, now)
        if isinstance(result, DropReason):
            counters.dropped[result] += 1
        else:
            counters.accepted += 1
        return result

    def _judge(self, data: bytes, source: Address, now: float) -> Forward | DropReason | None:
        if len(data) > MAX_DATAGRAM_BYTES:
            return DropReason.OVERSIZED
        parts = parse_lobby(data)
        if parts is None:
            return DropReason.MALFORMED
        raw_name, message = parts
        client = self._clients_by_address.get(source) or self.clients_by_remote.get(self._locate(source).remote)
        # Limits come first: what is over one is dropped before its text is looked at, or its name, which takes longest.
        if client is None:
            reason = self._refuse_newcomer(source)
        else:
            reason = client.limit.exceeded(len(message), now) if client.limit else None
            if reason is not None:
                self._note_life(client, source, now)
        reason = reason or _check_text(message) or self._check_name(client, raw_name, source, now)
        if reason is not None:
            return reason
        client = client or self._admit(source, len(message), now)
        if client.name != raw_name:
            self._rename(client, raw_name)
        self._note_life(client, source, now)
        return self._forward(client, data, message, now)

    def _check_name(
        self, client: LobbyClient | None, raw_name: bytes, source: Address, now: float
    ) -> DropReason | None:
        """Look at a name if it is new, unless too many are (LIM-01)."""
        if client is not None and client.name == raw_name:
            return None
        if reason := _check_text(raw_name):
            return reason
        network = network_of(self._locate(source).ip)
        if not (self._new_names.take(network, now) and self._all_new_names.take(b"", now)):
            return DropReason.TOO_MANY
        return DropReason.RESERVED_NAME if passes_for_server(raw_name.decode()) else None

    def _note_life(self, client: LobbyClient, source: Address, now: float) -> None:
        if client.paused or client.address != source:
            client.paused = False
            self._move(client, source)
        client.failures = None
        client.seen_at = now
        self._active.add(client, now)

    def _forward(self, client: LobbyClient, data: bytes, message: bytes, now: float) -> Forward | DropReason | None:
        if not message:
            return None
        audience = self._group.gather()
        others = len(audience.addresses) - 1
        if others > SMALL_AUDIENCE and self._copies and not self._copies.take(others, now):
            return DropReason.COPY_RATE
        self._group.sent.remember(data)
        self.counters.fanout[others] += 1
        return audience, client, data

    def next_deadline(self) -> float:
        """Return when `expire` has something to do next; infinity if never."""
        return self._active.next_deadline()

    def expire(self, now: float) -> None:
        """Forget who was silent for too long (LOB-04)."""
        while (client := self._active.pop_due(now)) is not None:
            self._evict(client, EvictionReason.SILENCE)
        self._watch.tick(now)

    def note_undelivered(self, target: Address, quoted: bytes, now: float) -> None:
        """Take an ICMP error about a client (EVI-03)."""
        client = self.clients_by_remote.get(self._locate(target).remote)
        if client is not None:
            self._watch.note_undelivered(client, self._group.sent, quoted, now)

    def note_send_error(self, target: Address, now: float) -> None:
        """Count that the kernel had no way to this address (EVI-03)."""
        client = self.clients_by_remote.get(self._locate(target).remote)
        if client is not None:
            self._watch.note_failure(client, now)

    def note_unresolved(self, hosts: Collection[Host], now: float) -> None:
        """Take which hosts the kernel has asked for in vain so far (EVI-03)."""
        silent = self._silent_hosts.look(hosts, now)
        if silent:
            for client in [one for one in self.clients_by_remote.values() if self._locate(one.address).host in silent]:
                self._watch.note_failure(client, now)

    def put(self, name: bytes, address: Address, seen_at: float, now: float) -> None:
        """Let somebody be in who was heard then (see `restoring`)."""
        client = self.clients_by_remote.get(self._locate(address).remote) or self._make(address, now)
        self._rename(client, name)
        if client.address != address:
            self._move(client, address)
        client.seen_at = seen_at
        self._active.add(client, seen_at)

    def take_out(self, address: Address) -> None:
        """Let who speaks from there be in no more, if anybody is, and tell nobody."""
        client = self.clients_by_remote.get(self._locate(address).remote)
        if client is not None:
            self._remove(client)

    def let_nobody_in(self) -> None:
        """Take no newcomers from now on; who is in stays (EVI-06)."""
        self._closed = True

    def shut_down(self) -> None:
        """Tell everybody and take nobody in any more (EVI-06)."""
        self.let_nobody_in()
        for client in list(self.clients_by_remote.values()):
            self._evict(client, EvictionReason.SHUTDOWN)

    def _refuse_newcomer(self, source: Address) -> DropReason | None:
        endpoint = self._locate(source)
        # What is the lobby's own would make it talk to itself for ever.
        if not is_answerable(endpoint.ip, endpoint.port) or is_own(endpoint, self._port, self._ip):
            return DropReason.UNANSWERABLE
        network = network_of(endpoint.ip)
        full = self._closed or self._census.is_full() or self._census.is_full_for(network)
        return DropReason.TOO_MANY if full else None

    def _admit(self, source: Address, size: int, now: float) -> LobbyClient:
        client = self._make(source, now)
        if client.limit is not None:
            client.limit.exceeded(size, now)  # it is not, but the first message counts
        return client

    def _make(self, source: Address, now: float) -> LobbyClient:
        limited = self._policy.message_rate or self._policy.byte_rate
        client = LobbyClient(name=b"", address=source, limit=SpeechLimit(self._policy, now) if limited else None)
        endpoint = self._locate(source)
        self.clients_by_remote[endpoint.remote] = client
        self._move(client, source)
        self._provisional.prove(endpoint.remote)
        self._census.add(network_of(endpoint.ip))
        return client

    def _rename(self, client: LobbyClient, name: bytes) -> None:
        client.name = name
        self.changes.note(client)

    def _move(self, client: LobbyClient, address: Address) -> None:
        self._clients_by_address.pop(client.address, None)
        self._clients_by_address[address] = client
        client.address = address
        self._group.listen(client, address)
        self.changes.note(client)

    def _ask(self, client: LobbyClient, challenge: Challenge) -> None:
        self.counters.challenges += 1
        self.outbox.append(Outgoing(challenge, Audience({client: client.address}, self._group), log=client.challenges))

    def _give_up(self, client: LobbyClient, _now: float) -> None:
        self._evict(client, EvictionReason.UNREACHABLE)

    def _evict(self, client: LobbyClient, reason: EvictionReason) -> None:
        self._remove(client)
        self._observer(events.LobbyClientEvicted(client.name.decode(), reason))
        self.outbox.append(
            Outgoing(Disconnected(reason), Audience({client: client.address}, self._group), log=self._group.sent)
        )

    def _remove(self, client: LobbyClient) -> None:
        endpoint = self._locate(client.address)
        del self.clients_by_remote[endpoint.remote], self._clients_by_address[client.address]
        self._provisional.forget(endpoint.remote)
        self._active.discard(client)
        self._watch.forget(client)
        self._group.stop_listening(client)
        self._census.remove(network_of(endpoint.ip))
        self.changes.note(client)

    def _pause(self, client: LobbyClient) -> None:
        client.paused = True
        self._group.stop_listening(client)

    def _resume(self, client: LobbyClient) -> None:
        if client.paused:
            client.paused = False
            self._group.listen(client, client.address)


def _check_text(raw: bytes) -> DropReason | None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return DropReason.INVALID_UTF8
    return None
