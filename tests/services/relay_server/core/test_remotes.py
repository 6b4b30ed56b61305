"""Sessions by the address that they speak from, alone there or with others."""

from relay_server.core.remotes import SessionsByRemote
from services.relay_server.core.rooms_case import Case


def test_who_shares_a_socket_is_found_there_until_it_is_gone() -> None:
    ann, bob, eve = (member.session for member in Case().trio())
    sessions = SessionsByRemote()
    assert sessions.at(b"here") == ()
    for session in (ann, bob, eve):
        sessions.add(b"here", session)
    assert sessions.at(b"here") == (ann, bob, eve)
    assert set(sessions) == {ann, bob, eve}
    sessions.remove(b"here", bob)
    assert sessions.at(b"here") == (ann, eve)
    sessions.remove(b"here", ann)
    assert (sessions.at(b"here"), list(sessions)) == ((eve,), [eve])
    sessions.remove(b"here", eve)
    assert (sessions.at(b"here"), list(sessions)) == ((), [])
