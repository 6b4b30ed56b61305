"""What the exercise's text demands of the lobby, its stage 1."""

import pytest

from conformance.plain import Clients, new_word, reaches
from conformance.relays import Relay

pytestmark = pytest.mark.level("text")


@pytest.mark.requirement("LOB-01", "LOB-02", "LOB-03")
def test_all_other_members_receive_a_message(lobby: Relay) -> None:
    with Clients(lobby) as clients:
        ann, bob, eve = (clients.lobby(name) for name in ("あん".encode(), b"bob", b"eve"))
        message = new_word() + " こんにちは".encode()
        for listener in (bob, eve):
            assert reaches(ann, listener, message), "expected the message, saw nothing"


@pytest.mark.requirement("LOB-01")
def test_the_name_of_a_user_has_up_to_255_bytes(lobby: Relay) -> None:
    with Clients(lobby) as clients:
        ann, bob = clients.lobby("漢字é".encode() * 31 + b"longest"), clients.lobby(b"bob")
        assert reaches(ann, bob, new_word()), "expected the message, saw nothing"
