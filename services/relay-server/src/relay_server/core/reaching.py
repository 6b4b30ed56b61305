"""Which sessions can't be reached, and are sent challenges alone until they are heard (EVI-03, EVI-08)."""

from collections.abc import Callable, Collection, Iterable

from chatproto import Challenge
from relay_server.core.endpoint import Address, Host, Locate
from relay_server.core.model import Session
from relay_server.core.reachability import SilentHosts, Watch
from relay_server.core.remotes import SessionsByRemote
from relay_server.core.voice import Voice


class Reaching(Voice):
    """Finds sessions by what proves them and by where they are, and takes errors about them."""

    def __init__(
        self,
        *,
        announces: bool,
        locate: Locate,
        new_nonce: Callable[[], str],
        give_up: Callable[[Session, float], None],
    ) -> None:
        """``give_up`` takes a session that can't be reached any more, and the time."""
        super().__init__(announces=announces)
        self.locate = locate
        self.sessions_by_token: dict[bytes, Session] = {}
        self.sessions_by_header: dict[bytes, Session] = {}
        """What the beginning of a datagram proves; the data path asks nothing else. Who is paused isn't in it."""
        self._watch: Watch[Session] = Watch(new_nonce, self._suspect, give_up, self._pause, self._resume)
        self._silent_hosts = SilentHosts()
        self.sessions_by_remote = SessionsByRemote()

    def note_undelivered(self, target: Address, quoted: bytes, now: float) -> None:
        """Take an ICMP error about a member (EVI-03)."""
        sessions = self.sessions_by_remote.at(self.locate(target).remote)
        # Of those who share a socket one is asked, however many errors come; what is proven is true of all.
        if sessions and self._watch.note_undelivered(sessions[0], sessions[0].member.room.sent, quoted, now):
            self._note_failures(sessions[1:], now)

    def note_send_error(self, target: Address, now: float) -> None:
        """Count that the kernel had no way to this address (EVI-03)."""
        self._note_failures(self.sessions_by_remote.at(self.locate(target).remote), now)

    def note_unresolved(self, hosts: Collection[Host], now: float) -> None:
        """Take which hosts the kernel has asked for in vain so far (EVI-03)."""
        silent = self._silent_hosts.look(hosts, now)
        if silent:
            ips = {host.ip for host in silent}  # few members have one: only their addresses are taken apart
            sessions = [one for one in self.sessions_by_token.values() if one.source_ip in ips]
            known = [one for one in sessions if one.address is not None]
            self._note_failures([one for one in known if self.locate(one.address).host in silent], now)

    def _suspect(self, session: Session, challenge: Challenge) -> None:
        self.ask(session, challenge, session.challenges)

    def _note_failures(self, sessions: Iterable[Session], now: float) -> None:
        for session in sessions:
            if session.token in self.sessions_by_token:  # whoever goes may be a host, and take others with it
                self._watch.note_failure(session, now)

    def _pause(self, session: Session) -> None:
        """Send a member nothing but challenges until it is heard; nothing is added to the data path (EVI-08)."""
        if not session.paused:
            session.paused = True
            session.member.room.stop_listening(session)
            del self.sessions_by_header[session.header]

    def _resume(self, session: Session) -> None:
        if session.paused and session.address is not None:
            session.paused = False
            session.member.room.listen(session, session.address)
            self.sessions_by_header[session.header] = session
