"""Provisional addresses: where a member's copies go before its first datagram, if the operator allows it (LEN-02).

Nobody has proved such an address, so somebody else behind the same IP may listen there: a neighbour behind the same
router, or another program on the same machine. Whoever proves it by a datagram keeps it.
"""

from collections import Counter
from typing import Final

from relay_server.core.endpoint import Address, Endpoint
from relay_server.core.model import Session

LEAST_PORT: Final = 1024
"""Ports below belong to services such as DNS and SNMP; no client chats from there."""


class ProvisionalAddresses:
    """Knows which addresses are proved, and which members only suppose one; does nothing unless ``allowed``."""

    def __init__(self, *, allowed: bool) -> None:
        self._allowed = allowed
        self._proofs: Counter[bytes] = Counter()
        """How many members and lobby clients proved a remote (see `Endpoint.remote`)."""
        self._remote_of: dict[Session, bytes] = {}
        self._sessions_at: dict[bytes, dict[Session, None]] = {}

    def offer(self, session: Session, address: Address, endpoint: Endpoint) -> None:
        """Send a member's copies to this address, in place of one offered before, unless it may be somebody else's.

        ``endpoint`` is what the address tells.
        """
        if not self._allowed:
            return
        self.withdraw(session)
        remote = endpoint.remote
        if endpoint.port >= LEAST_PORT and remote not in self._proofs:
            self._remote_of[session] = remote
            self._sessions_at.setdefault(remote, {})[session] = None
            session.member.room.listen(session, address)

    def withdraw(self, session: Session) -> None:
        """Send nothing to a member's provisional address any more."""
        remote = self._remote_of.pop(session, None)
        if remote is None:
            return
        session.member.room.stop_listening(session)
        del self._sessions_at[remote][session]
        if not self._sessions_at[remote]:
            del self._sessions_at[remote]

    def prove(self, remote: bytes) -> None:
        """Note that a datagram came from there: nobody else's copies go there any more."""
        if self._allowed:
            self._proofs[remote] += 1
            for session in list(self._sessions_at.get(remote, ())):
                self.withdraw(session)

    def forget(self, remote: bytes) -> None:
        """Note that one who proved this address is gone or moved."""
        if self._allowed:
            self._proofs[remote] -= 1
            if not self._proofs[remote]:
                del self._proofs[remote]
