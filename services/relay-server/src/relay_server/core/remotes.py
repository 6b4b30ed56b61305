"""Which members speak from an address: one, as a rule, but a socket may serve several (UDP-03)."""

from collections.abc import Iterator

from relay_server.core.model import Member


class MembersByRemote:
    """Members by the remote they were heard from last (see `Endpoint.remote`)."""

    def __init__(self) -> None:
        self._first: dict[bytes, Member] = {}
        self._others: dict[bytes, tuple[Member, ...]] = {}
        """Those beside the first; hardly anybody, so most members cost no tuple."""

    def __iter__(self) -> Iterator[Member]:
        """Go through all."""
        yield from self._first.values()
        for others in self._others.values():
            yield from others

    def at(self, remote: bytes) -> tuple[Member, ...]:
        """Return who speaks from there."""
        first = self._first.get(remote)
        return () if first is None else (first, *self._others.get(remote, ()))

    def add(self, remote: bytes, member: Member) -> None:
        """Note that a member, who was nowhere, speaks from there."""
        if remote in self._first:
            self._others[remote] = (*self._others.get(remote, ()), member)
        else:
            self._first[remote] = member

    def remove(self, remote: bytes, member: Member) -> None:
        """Note that a member speaks from there no more."""
        left = [one for one in self.at(remote) if one is not member]
        self._others.pop(remote, None)
        if left:
            self._first[remote] = left[0]
            if len(left) > 1:
                self._others[remote] = tuple(left[1:])
        else:
            del self._first[remote]
