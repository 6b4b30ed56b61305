"""Requests over TCP: an operation, its handler, and the one place where an error becomes a reply."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NoReturn

from chatproto import (
    Completion,
    Feature,
    NotSupportedError,
    Operation,
    ProtocolError,
    RefusalCode,
    Request,
    ServerTransaction,
    Status,
)
from chatproto.constants import MAX_DATAGRAM_BYTES, MAX_DELIVERY_BYTES
from chatproto.receipts import NUMBER_BYTES
from chatproto.stream import STREAM_WINDOW
from relay_server.answers import Answer, Granted, Pending, Proof, Waiting, Work
from relay_server.asked import Asked, Peer, Transaction
from relay_server.core.address import network_of
from relay_server.core.attempts import Attempts
from relay_server.core.counters import Resumption
from relay_server.core.endpoint import Address, MakeAddress
from relay_server.core.errors import NoCheckLeftError, NoSeatError, NoSuchRoomError, WrongPasswordError
from relay_server.core.guesses import AGAIN_SECONDS, Guess, Guesses
from relay_server.core.kept import Abroad
from relay_server.core.model import Session
from relay_server.core.name_rules import judge_user_name
from relay_server.core.names import name_keys
from relay_server.core.places import Places
from relay_server.core.policy import CHECK_WAIT_SECONDS, StreamsAllowed
from relay_server.core.receipts import SaidNumbers
from relay_server.core.registry import Registry
from relay_server.core.room_list import RoomList
from relay_server.core.sealed import check_create, check_join, grant
from relay_server.core.seats import SeatClaim
from relay_server.passwords import Passwords, decoy_hash
from relay_server.placing import Placing


class Control:
    """Serves create, join and resume."""

    def __init__(
        self,
        registry: Registry,
        *,
        passwords: Passwords,
        guesses: Guesses,
        hide_rooms: bool,
        make_address: MakeAddress,
        new_token: Callable[[], bytes],
        on_transaction: Callable[[Operation | None, Status], None],
        udp_port: int,
        silence_timeout_seconds: float,
        attribution: bool,
        moderation: bool,
        tls_required: bool = False,
        streams: StreamsAllowed = StreamsAllowed.ANY,
        places: Places | None = None,
        room_list: RoomList | None = None,
        page: str = "",
    ) -> None:
        """``places`` knows where the rooms of other nodes are; None for a relay that is alone.

        ``room_list`` is for whoever asks; None if nobody may know (LIST-01). ``page`` is told to members (WEB-05).
        """
        self._registry = registry
        self._passwords = passwords
        self._guesses = guesses
        self._decoy_hash = decoy_hash() if hide_rooms else None
        self._make_address = make_address
        self._new_token = new_token
        self._on_transaction = on_transaction
        self._udp_port = udp_port
        self._silence_timeout_seconds = silence_timeout_seconds
        self._attribution = attribution
        self._moderation = moderation
        self._tls_required = tls_required
        self._streams = streams
        self._places = places
        self._room_list = room_list
        self._page = page
        self._placing = Placing(places, registry, hides=hide_rooms, finish=self._finish) if places else None
        self._attempts: Attempts[Granted | Work | SeatClaim] = Attempts()
        self._preparations = {Operation.CREATE: self._prepare_create, Operation.JOIN: self._prepare_join}

    def receive(self, transaction: Transaction, data: bytes, peer: Peer, now: float) -> Answer | None:
        """Feed a connection's bytes; returns a place, a refusal, what comes first, or None while bytes are missing."""
        try:
            wanted = transaction.feed(data)
            if wanted is None:
                return None
            operation, room_name, request = wanted
            if self._tls_required and not peer.encrypted:
                raise NotSupportedError(RefusalCode.HTTPS_NEEDED if peer.by_page else RefusalCode.TLS_NEEDED)
            self._registry.admission.check_rate(peer.ip, now)
            if isinstance(transaction, ServerTransaction) and operation is Operation.LIST:
                return self._list_rooms(transaction, now)
            # Before the look-up: what takes long must take as long where there is no room (PWD-05).
            keys = name_keys(request.username)
            stream = request.stream and self._allows_stream(peer)
            asked = Asked(transaction, operation, room_name.encode(), request, keys, peer, stream)
            return self._serve(asked, now)
        except ProtocolError as error:
            return self.refuse(transaction, error)

    def refuse(self, transaction: Transaction, error: ProtocolError) -> bytes:
        """Count a refusal and return the frame that says it."""
        if self._decoy_hash and isinstance(error, NoSuchRoomError | WrongPasswordError):
            error = WrongPasswordError(RefusalCode.ROOM_OR_PASSWORD)
        self._on_transaction(transaction.operation, error.status)
        return transaction.refuse(error)

    def _list_rooms(self, transaction: ServerTransaction, now: float) -> bytes:
        """Tell which rooms there are, if people may know (LIST-01)."""
        if self._room_list is None:
            raise NotSupportedError(RefusalCode.NO_LIST)
        self._on_transaction(Operation.LIST, Status.OK)
        return transaction.list_rooms(self._room_list.read(now))

    def set_client_port(self, granted: Granted, port: int, peer: Peer) -> None:
        """Take the UDP port that the client named (TCP-09), unless a node carries it: that one alone reaches it."""
        if peer.via is None:
            self._registry.set_provisional_port(granted.member, self._udp_address(peer, port))

    def undo(self, granted: Granted, now: float) -> None:
        """Free a place whose token could not be delivered (threat T11), at once or if nobody asks for it again."""
        if granted.keeps:
            self._registry.seats.keep(granted.session, now)
        else:
            self._registry.seats.forsake(granted.session, now)

    def give_back(self, granted: Granted, now: float) -> None:
        """Free a place whose client wanted a stream, got none and wants nothing else (STR-01)."""
        self._registry.seats.forsake(granted.session, now)

    def remembered(self, now: float) -> int:
        """Return how many requests would be answered as before if they came again (RES-02)."""
        return self._attempts.count(now)

    def _allows_stream(self, peer: Peer) -> bool:
        """Tell whether a chat may go on over this connection (STR-01)."""
        return (
            peer.by_page
            or self._streams is StreamsAllowed.ANY
            or (self._streams is StreamsAllowed.TLS and peer.encrypted)
        )

    def _serve(self, asked: Asked, now: float, *, consulted: bool = False) -> Answer:
        known = self._attempts.get(asked.attempt, now)
        if isinstance(known, Granted) and (again := self._repeat(asked, known)):
            return again
        if self._placing and asked.room not in self._registry.rooms:
            go_on = partial(self._serve, asked, consulted=True)
            if answer := self._placing.place(asked, go_on, consulted=consulted):
                return answer
        if asked.request.ticket and asked.operation is Operation.JOIN:
            claim = known if isinstance(known, SeatClaim) else SeatClaim(asked.peer.ip, asked.peer.encrypted)
            try:
                return self._resume(asked, claim, now)
            except ProtocolError:
                self._attempts.forget(asked.attempt)  # else the old wait would be refused again (RES-02)
                raise
        if asked.stream:
            self._registry.streams.check()
        return self._preparations[asked.operation](asked, now) or self._enter(asked, None, now)

    def _repeat(self, asked: Asked, known: Granted) -> Granted | None:
        """Give the same answer again, unless what was granted is gone."""
        if known.session.token not in self._registry.sessions_by_token:
            return None
        self._registry.seats.stop_keeping(known.session)
        self._count(Resumption.REPEATED)
        self._on_transaction(asked.operation, Status.OK)
        if not self._places:
            return known
        self._note_way(known.session, asked.peer)
        udp_port = asked.peer.udp_port or self._udp_port
        return replace(known, completion=replace(known.completion, udp_port=udp_port))

    def _note_way(self, session: Session, peer: Peer) -> None:
        """Note which node carries a session's member, if one does: its datagrams come from there (CLU-04)."""
        if self._places:
            session.abroad = session.abroad or Abroad()
            session.abroad.carried_by = peer.via
            if peer.via is not None:
                self._registry.edges.add(peer.via)

    def _finish(self, asked: Asked, go_on: Callable[[], Answer], now: float) -> Answer:
        """Go on with a request, unless somebody who made it again has its answer by now."""
        try:
            known = self._attempts.get(asked.attempt, now)
            return (isinstance(known, Granted) and self._repeat(asked, known)) or go_on()
        except ProtocolError as error:
            self._attempts.forget(asked.attempt)
            return self.refuse(asked.transaction, error)

    def _resume(self, asked: Asked, claim: SeatClaim, now: float) -> Granted | Waiting:
        """Give who has a ticket its own seat again (RES-01, RES-03)."""
        request, peer, seats = asked.request, asked.peer, self._registry.seats
        if Feature.RESUME not in request.features:
            raise NotSupportedError
        session = seats.find(request.ticket, asked.room)
        if session is None:
            return self._return(asked, now)
        try:
            check_join(session.member.room, request, session.member.room.password_hash)  # a ticket needs no password
            if not seats.press(claim, session, now):
                self._remember(asked, claim, now)
                return Waiting(
                    claim.due_at, lambda now: self._finish(asked, lambda: self._resume(asked, claim, now), now)
                )
        except NoSeatError:
            self._deny(asked, Resumption.CONTESTED, now)
        except ProtocolError:
            self._count(Resumption.REFUSED)
            raise
        if asked.stream and session.place is None:
            self._registry.streams.check()
        self._count(Resumption.RESUMED if peer.ip == session.ip else Resumption.MOVED)
        successor = seats.resume(session, self._new_token(), peer.ip, now, stream=asked.stream)
        self._registry.streams.go_on(successor, request.epoch, request.heard)
        return self._grant(asked, successor, session.said or SaidNumbers(), now)

    def _return(self, asked: Asked, now: float) -> Granted:
        """Give its seat to who was in the room when another node was its home (CLU-03)."""
        room, peer, streams = self._registry.rooms.get(asked.room), asked.peer, self._registry.streams
        seat = self._places.read_ticket(asked.request.ticket) if self._places else None
        if room is None or seat is None or seat.room != asked.room:
            self._deny(asked, Resumption.NO_SEAT, now)
        check_join(room, asked.request, room.password_hash)
        if asked.stream:
            streams.check()
        try:
            session = self._registry.returning.take_seat(
                room, seat, self._new_token(), peer.ip, now, encrypted=peer.encrypted, stream=asked.stream
            )
        except NoSeatError:
            self._deny(asked, Resumption.NO_SEAT, now)
        streams.go_on(session, asked.request.epoch, asked.request.heard, returns=True)
        self._count(Resumption.RESUMED)
        return self._grant(asked, session, SaidNumbers(), now)

    def _deny(self, asked: Asked, why: Resumption, now: float) -> NoReturn:
        """Refuse a ticket by the same bytes whatever is wrong with it; it counts as a guess (RES-04)."""
        self._count(why)
        with self._guesses.begin(network_of(asked.peer.ip), asked.request.username, asked.room, now):
            raise NoSeatError

    def _count(self, outcome: Resumption) -> None:
        self._registry.counters.resumptions[outcome] += 1

    def _remember(self, asked: Asked, result: "Granted | Work | SeatClaim", now: float) -> None:
        if asked.attempt is not None:
            self._attempts.remember(asked.attempt, result, now)

    def _prepare_create(self, asked: Asked, now: float) -> Pending | None:
        check_create(asked.request, attribution=self._attribution)
        password = asked.request.password
        if password is None:
            return None
        self._registry.check_new_room(asked.room, asked.peer.ip)
        judge_user_name(asked.request.username, asked.keys)  # all that can refuse goes before the work
        self._registry.admission.check_new_password(asked.peer.ip, now)
        return self._pending(asked, lambda: self._passwords.hash(password), lambda _: Guess(), now)

    def _prepare_join(self, asked: Asked, now: float) -> Pending | None:
        """Return what the room wants to be done first; what else it would say is for who knows the password."""
        password, room = asked.request.password, self._registry.rooms.get(asked.room)
        if room and room.holds(asked.keys, asked.peer.ip):
            return None  # which is answered without work
        password_hash = room.password_hash if room else self._decoy_hash
        if password is None or password_hash is None:
            return None
        self._registry.admission.check_member(asked.peer.ip)
        begin = partial(self._guesses.begin, network_of(asked.peer.ip), asked.request.username, asked.room)
        return self._pending(asked, lambda: self._passwords.check(password, password_hash), begin, now)

    def _pending(self, asked: Asked, do: Proof, begin: Callable[[float], Guess], now: float) -> Pending:
        under_way = self._attempts.get(asked.attempt, now)
        work = under_way if isinstance(under_way, Work) else Work(begin, do)
        self._remember(asked, work, now)
        until = now + CHECK_WAIT_SECONDS

        def finish(proof: Proof, now: float) -> Answer:
            def enter() -> Answer:
                try:
                    with work.take_guess():
                        password_hash = proof()
                except NoCheckLeftError:
                    ended = self._guesses.wait(network_of(asked.peer.ip)) if now < until else None
                    if ended is None:
                        raise
                    return self._wait_for_check(pending, ended, now)
                return self._enter(asked, password_hash, now)  # which checks all again: much may be new meanwhile

            return self._finish(asked, enter, now)

        pending = Pending(work.admit, work.do, finish)
        return pending

    def _wait_for_check(self, pending: Pending, ended: Callable[[], None], now: float) -> Waiting:
        """Ask again in a moment whether the password may be looked at (PWD-04); ``ended`` is called before."""

        def ask(_: float) -> Pending:
            ended()
            return pending

        return Waiting(now + AGAIN_SECONDS, ask, ended, for_check=True)

    def _enter(self, asked: Asked, password_hash: str | None, now: float) -> Answer:
        if asked.stream:
            self._registry.streams.check()
        if self._placing and asked.operation is Operation.CREATE:
            return self._placing.claim(asked, password_hash, partial(self._admit, asked, password_hash))
        return self._admit(asked, password_hash, now)

    def _admit(self, asked: Asked, password_hash: str | None, now: float) -> Granted:
        request, peer = asked.request, asked.peer
        name, token, port = request.username, self._new_token(), self._provisional(request, peer)
        if asked.operation is Operation.CREATE:
            member = self._registry.create_room(
                asked.room, name, token, peer.ip, now, keys=asked.keys, port=port, password_hash=password_hash,
                stream=asked.stream, sealed=request.sealed,
                residence=self._places.residence(asked.room) if self._places else None,
            )  # fmt: skip
        else:
            check_join(self._registry.rooms.get(asked.room), request, password_hash)
            member = self._registry.join_room(
                asked.room, name, token, peer.ip, now, keys=asked.keys, port=port, proof=password_hash,
                told_when_heard=Feature.NOTICES in request.features and not asked.stream, stream=asked.stream,
            )  # fmt: skip
        return self._grant(asked, member.session, SaidNumbers(), now)

    def _grant(self, asked: Asked, session: Session, said: SaidNumbers, now: float) -> Granted:
        """Let a session have what was asked for, and write the answer."""
        features = grant(asked.request.features, attribution=self._attribution, cluster=self._places is not None)
        session.json_notices = Feature.NOTICES in features
        self._note_way(session, asked.peer)
        if session.abroad is not None:
            session.abroad.follows = Feature.FOLLOW in features
        session.said = said if Feature.RECEIPTS in features or asked.stream else None
        if session.place is not None:
            said.window = STREAM_WINDOW
            session.place.encrypted = asked.peer.encrypted
        if Feature.RESUME in features:
            encrypted = asked.peer.encrypted
            ticket = self._places.new_ticket(session, encrypted=encrypted) if self._places else None
            self._registry.seats.issue(session, ticket or self._new_token().decode(), encrypted=encrypted)
        self._on_transaction(asked.operation, Status.OK)
        granted = Granted(session, self._completion(session, features, asked.peer), keeps=bool(asked.attempt))
        self._remember(asked, granted, now)
        return granted

    def _completion(self, session: Session, features: frozenset[Feature], peer: Peer) -> Completion:
        member, token = session.member, session.token
        attribution_bytes = len(member.attribution) if self._attribution else 0
        number_bytes = 0 if session.said is None else NUMBER_BYTES
        place = session.place
        ring = member.room.ring if place is not None else None
        return Completion(
            token,
            host=member.room.host is member,
            udp_port=peer.udp_port or self._udp_port,
            silence_timeout_seconds=self._silence_timeout_seconds,
            max_message_bytes=min(
                MAX_DELIVERY_BYTES - attribution_bytes,
                MAX_DATAGRAM_BYTES - 2 - len(member.room.raw_name) - len(token) - number_bytes,
            ),
            moderation=self._moderation,
            features=features,
            ticket=session.ticket.text if session.ticket else "",
            stream=ring is not None,
            epoch=ring.epoch if ring is not None else "",
            seq=0 if place is None or ring is None else ring.seq if place.has_read else place.heard,
            sealed=member.room.sealed,
            servers=self._places.servers(member.room.raw_name) if self._places and Feature.FOLLOW in features else (),
            web=self._page,
        )

    def _provisional(self, request: Request, peer: Peer) -> Address | None:
        """Return where a plain client may listen before it ever spoke: its TCP port's number on UDP (LEN-02)."""
        return None if request.json_reply or not peer.port else self._udp_address(peer, peer.port)

    def _udp_address(self, peer: Peer, port: int) -> Address:
        return self._make_address(peer.ip, port, scope=peer.scope, local_ip=peer.local_ip)
