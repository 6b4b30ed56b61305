"""Sealed rooms: who is let in, and what is relayed there (SEAL-03). The relay has no key and opens nothing."""

from chatproto import Feature, NotSupportedError, RefusalCode, Request
from chatproto.constants import SEALED_PREFIX
from relay_server.core.errors import SealedError
from relay_server.core.model import Room


def grant(features: frozenset[Feature], *, attribution: bool, cluster: bool) -> frozenset[Feature]:
    """Return which features are granted.

    A text is sealed along with its sender's name, which the relay has to say; and who is alone sends nobody on.
    """
    refused = {Feature.SEALED: not attribution, Feature.FOLLOW: not cluster}
    return frozenset(feature for feature in features if not refused.get(feature))


def check_create(request: Request, *, attribution: bool) -> None:
    """Check that a room can be as sealed as is wanted.

    Raises:
        NotSupportedError: this relay has no sealed rooms.

    """
    if request.sealed and not attribution:
        raise NotSupportedError(RefusalCode.NO_SEALED_ROOMS)


def check_join(room: Room | None, request: Request, proof: str | None) -> None:
    """Check that who joins a sealed room, or takes a seat there again, knows what that is.

    Who doesn't know the room's password, of which ``proof`` is the hash, isn't told that the room is sealed (PWD-02).

    Raises:
        SealedError: it doesn't, and reads replies in JSON.
        NotSupportedError: it doesn't.

    """
    if room and room.sealed and Feature.SEALED not in request.features and room.password_hash in {None, proof}:
        raise SealedError if request.json_reply else NotSupportedError


def may_be_said(room: Room, message: bytes) -> bool:
    """Tell whether a text may be relayed in a room."""
    return not room.sealed or message.startswith(SEALED_PREFIX)
