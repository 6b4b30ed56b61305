"""Members by the address that they speak from, alone there or with others."""

from relay_server.core.remotes import MembersByRemote
from services.relay_server.core.rooms_case import Case


def test_who_shares_a_socket_is_found_there_until_it_is_gone() -> None:
    ann, bob, eve = Case().trio()
    members = MembersByRemote()
    assert members.at(b"here") == ()
    for member in (ann, bob, eve):
        members.add(b"here", member)
    assert members.at(b"here") == (ann, bob, eve)
    assert set(members) == {ann, bob, eve}
    members.remove(b"here", bob)
    assert members.at(b"here") == (ann, eve)
    members.remove(b"here", ann)
    assert (members.at(b"here"), list(members)) == ((eve,), [eve])
    members.remove(b"here", eve)
    assert (members.at(b"here"), list(members)) == ((), [])
