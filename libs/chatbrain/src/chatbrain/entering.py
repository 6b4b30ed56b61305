"""How a room is entered, and entered again: ask over TCP, be let in or refused, take one's seat."""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final

from chatbrain.actions import BindDatagram, CloseStream, OpenStream, SendStream
from chatbrain.backoff import RejoinPolicy
from chatbrain.carriage import LINES, Carriage
from chatbrain.claim import Claim
from chatbrain.course import AWAY, Stage
from chatbrain.events import Ended, EndReason, Joined, Moved, Rejoined, Transport
from chatbrain.findings import NO_ANSWER
from chatbrain.join_request import Grant, JoinRequest
from chatbrain.liveness import DEAF_SECONDS
from chatbrain.membership import Membership
from chatbrain.outbox import Outbox
from chatbrain.route import Route
from chatproto import Command, Operation, RefusedError, Server, Status

if TYPE_CHECKING:
    from chatbrain.sealed import Seal

COMPANY_SECONDS: Final = RejoinPolicy().max_delay_seconds
"""In a room that is created again, messages wait until somebody joins, for nobody else would hear them; but no longer
than the longest pause between two attempts of the others."""


class Entering(Membership):
    """Asks for a place in a room, and takes the one that is granted."""

    def __init__(
        self,
        operation: Operation,
        room: str,
        name: str,
        *,
        server: str,
        random: Callable[[], float],
        password: str | None = None,
        rejoin: RejoinPolicy | None = None,
        receipts: bool = False,
        new_nonce: Callable[[], str] | None = None,
        transport: Transport = Transport.UDP,
        encrypted: bool = False,
        seal: "Seal | None" = None,
    ) -> None:
        """With ``receipts`` ask the relay for them, and tell by `Delivery` and `Unheard` what comes of it (RCP-01).

        With ``new_nonce`` go where a cluster has the room (CLU-01), and with receipts besides take one's own seat again
        where another would be asked for (RES-01); it returns 16 to 64 printable characters that nobody can guess. With
        any other ``transport`` than UDP receipts are asked for; ``encrypted`` tells whether TCP is to be by TLS. With a
        ``seal`` the room is to be sealed (SEAL-01): where the relay doesn't say so, no text is sent.
        """
        receipts = receipts or transport is not Transport.UDP
        super().__init__(Outbox(), rejoin=rejoin, random=random, receipts=receipts, seal=seal)
        self._random = random
        self._route = Route(server, encrypted=encrypted)
        self._carriage = Carriage(transport, encrypted=encrypted, sealed=seal is not None)
        self._claim = Claim(
            operation, room, name, password, receipts=receipts, new_nonce=new_nonce, carriage=self._carriage,
            sealed=seal is not None,
        )  # fmt: skip
        self._attempt: JoinRequest | None = None  # in flight in JOINING and VERIFYING, and only there
        self._grant: Grant | None = None  # the newest, also once it is lost
        self._moved = False  # whether another server let one in
        self._errors_count_from = 0.0

    @property
    def server(self) -> str:
        """Where one is a member, or asks to be: another server than the configured one if that sent one on."""
        return self._route.where

    def _ask(self, now: float) -> None:
        """Ask for a membership, or whether the one held still lives."""
        self._course.enter(Stage.VERIFYING if self._outbox.is_open else Stage.JOINING)
        if self._liveness.answered:
            self.keep_alive(now)  # perhaps UDP works again
        self._route.begin()
        self._request(now)

    def _request(self, now: float) -> None:
        """Send the request to the server whose turn it is."""
        route, (address, fingerprint) = self._route, self._route.stop or (None, "")
        self._attempt = self._claim.attempt(now, seated=self._outbox.is_open, seconds=route.answer_seconds(now))
        self._outbox.act(OpenStream(address, fingerprint, hasty=route.has_others))

    def _ask_next(self, last_words: Ended, now: float) -> None:
        """Ask the next server, or wait if all were asked: this one is away."""
        if self._route.fail(now):
            self._request(now)
        else:
            self._wait(last_words, now)

    def _follow(self, server: Server | None, now: float) -> None:
        """Ask where the room is (CLU-01)."""
        where, astray = self._route.where, self._route.follow(server, now)
        if astray is None:
            self._request(now)
            return
        if astray is NO_ANSWER and server:
            last_words = Ended.unreachable(server.address, astray)
        else:
            last_words = Ended.astray(where, astray)
        if self._course.ever_joined:
            self._route.fail(now)
            self._wait(last_words, now)
        else:
            self._end(last_words)

    def _stop_asking(self) -> None:
        self._attempt = None
        self._outbox.act(CloseStream())

    def _accept(self, grant: Grant, attempt: JoinRequest, now: float) -> None:
        """Be let in, if it is by what was asked for."""
        if self._carriage.strict and not grant.stream:
            self._outbox.act(SendStream(LINES.leave))  # or the relay would hold the place for minutes
            self._stop_asking()
            self._end(Ended.streamless(self._route.where))
            return
        if not grant.stream:
            self._stop_asking()
        self._attempt = None
        if self._seal and not grant.sealed:
            self._decline(grant, now)
        elif attempt.resumes and grant.receipts:
            self._sit_down(grant, now)
        else:
            self._adopt(grant, now)

    def _take(self, grant: Grant, now: float, *, resumed: bool = False) -> bool:
        """Speak by what was granted from now on; returns whether the room is new."""
        self._grant, self.obeys, self.facts = grant, grant.obeys, grant.facts
        self._deliveries.channel = self._carriage.begin(grant, now, resumed=resumed)
        if grant.stream:
            self._outbox.open_stream(grant.max_message_bytes)
        else:
            self._outbox.open(grant.header, grant.max_message_bytes)
        self._moved = self._route.settle(grant.servers) and self._course.ever_joined
        self._course.backoff.has_others = others = self._route.has_others
        self._liveness.begin(now, answered=self._keeps and grant.receipts, others=others)
        self._liveness.interval_seconds = grant.keep_alive_seconds
        return self._claim.grant(grant.ticket)

    def _sit_down(self, grant: Grant, now: float) -> None:
        """Be in one's own seat again, if the relay hears: what it didn't answer is said again (RES-01)."""
        self._take(grant, now, resumed=True)
        self._claim.was_host = grant.host
        if grant.stream:
            self._course.chat(now)
        else:
            self._course.enter(Stage.RESUMED)
        self._deliveries.ask_no_more()
        again = list(self._deliveries.take_again(now))
        self._bind(grant, now)  # the first word, which makes the seat one's own
        self._send_numbered(again, now)
        self._deliver(now)
        if not grant.stream:
            self._liveness.wait_rebound(now)
        self._tell_way()

    def _decline(self, grant: Grant, now: float) -> None:
        """Say nothing but goodbye in a room that isn't sealed, though it was meant to be (SEAL-03)."""
        self._take(grant, now)
        if not grant.stream:
            self._outbox.act(BindDatagram(grant.udp_port))
        self._say_goodbye()
        self._end(Ended.unsealed(self._route.where))

    def _adopt(self, grant: Grant, now: float) -> None:
        self._deliveries.lose()  # another seat knows nothing of what the one before was told
        created = self._take(grant, now)
        if self._seal and created:
            self._seal.proven = True
        self._course.chat(now, anew=True)
        self._liveness.listen(now)
        self._bind(grant, now)
        if self._course.ever_joined and not self._course.backoff.policy.enabled:
            self._say_goodbye()
            self._end(Ended(EndReason.EVICTED, "The relay took your place in the room away."))
            return
        self._deliveries.words_due_at = now + COMPANY_SECONDS if created and self._course.ever_joined else inf
        self._welcome(grant, now)
        self._course.ever_joined, self._claim.was_host = True, grant.host
        self._deliver(now)
        if created and self._claim.topic and self._keeps:
            self.command(f"/{Command.TOPIC} {self._claim.topic}", now)  # the relay was started anew, and knows nothing

    def _welcome(self, new: Grant, now: float) -> None:
        if self._course.ever_joined:
            # A relay whose UDP port is closed must not be joined again and again.
            self._errors_count_from = now + DEAF_SECONDS
            self._course.tell(Rejoined(new.host, self._claim.was_host, self.max_message_bytes, web=new.web))
        else:
            claim, silence = self._claim, new.silence_timeout_seconds
            self._course.tell(Joined(claim.room, claim.name, new.host, self.max_message_bytes, silence, web=new.web))
        self._tell_way()

    def _tell_way(self) -> None:
        if carried := self._carriage.news(stream=self._outbox.streams):
            self._course.tell(carried)
        if self._moved:
            self._course.tell(Moved(self._route.where))

    def _refuse(self, error: RefusedError, attempt: JoinRequest, now: float) -> None:
        status = error.status
        if status is Status.ELSEWHERE and self._claim.follows:
            self._follow(error.server, now)
            return
        last_words = Ended.refused(error.refusal)
        if not self._course.ever_joined or not self._claim.may_pass(status):
            self._end(last_words)
        elif attempt.resumes:
            self._claim.refuse(status)
            if status is Status.NO_SEAT:
                self._lose()
                self._ask(now)  # for a new one
            elif status is Status.SHUTTING_DOWN:
                self._ask_next(last_words, now)
            else:
                self._pass_by(status, now)
                self._wait(last_words, now)
        elif self._outbox.is_open and self._grant and self._grant.outlives(status, attempt.local_address):
            self._take_for_alive(now)
        else:
            if status not in AWAY:
                self._lose()
            self._pass_by(status, now)
            self._wait(last_words, now, at_once=self._claim.refuse(status))

    def _pass_by(self, status: Status, now: float) -> None:
        """Ask another server next, where this one can't say anything of the seat."""
        if status in AWAY:
            self._route.fail(now)

    def _take_for_alive(self, now: float) -> None:
        """Go on with a membership that lives, as far as TCP can tell; that proves nothing of UDP (RCP-03)."""
        if self._liveness.answered and not self._liveness.heard:
            self._wait(Ended.unheard(self._route.where), now)
        else:  # a quiet room
            self._errors_count_from = now + self._liveness.calm_down()
            self._chat(now)

    def _bind(self, grant: Grant, now: float, *, again: bool = False) -> None:
        if not grant.stream:
            self._outbox.act(BindDatagram(grant.udp_port, again=again))
        self.keep_alive(now)

    def _say_goodbye(self) -> None:
        self._outbox.send(self._deliveries.channel.leave)
