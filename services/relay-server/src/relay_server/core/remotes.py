"""Which sessions speak from an address: one, as a rule, but a socket may serve several (UDP-03)."""

from collections.abc import Iterator

from relay_server.core.model import Session


class SessionsByRemote:
    """Sessions by the remote they were heard from last (see `Endpoint.remote`)."""

    def __init__(self) -> None:
        self._first: dict[bytes, Session] = {}
        self._others: dict[bytes, tuple[Session, ...]] = {}
        """Those beside the first; hardly anybody, so most sessions cost no tuple."""

    def __iter__(self) -> Iterator[Session]:
        """Go through all."""
        yield from self._first.values()
        for others in self._others.values():
            yield from others

    def at(self, remote: bytes) -> tuple[Session, ...]:
        """Return which speak from there."""
        first = self._first.get(remote)
        return () if first is None else (first, *self._others.get(remote, ()))

    def add(self, remote: bytes, session: Session) -> None:
        """Note that a session, which was nowhere, speaks from there."""
        if remote in self._first:
            self._others[remote] = (*self._others.get(remote, ()), session)
        else:
            self._first[remote] = session

    def remove(self, remote: bytes, session: Session) -> None:
        """Note that a session speaks from there no more."""
        left = [one for one in self.at(remote) if one is not session]
        self._others.pop(remote, None)
        if left:
            self._first[remote] = left[0]
            if len(left) > 1:
                self._others[remote] = tuple(left[1:])
        else:
            del self._first[remote]
