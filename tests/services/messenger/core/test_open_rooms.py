"""Which rooms a form offers, and what is said to whom for that (LIST-01, TCP-12)."""

import pytest

from chatbrain import Ended, Fault, Finding, Presented, Tls, UnreachableError, UntrustedError
from chatbrain.findings import NO_ANSWER
from chatproto import ListedRoom, Refusal, RefusedError, Status
from messenger.core.open_rooms import OpenRooms
from services.messenger.core.fake_relay import SHOWN, Case

pytestmark = pytest.mark.requirement("LIST-01")

TEA, MILK = ListedRoom("tea", 3), ListedRoom("milk", 1)
DOUBT = Finding(Fault.SELF_SIGNED, "self-signed certificate")
NOBODY = UnreachableError(Ended.unreachable("relay.example:9000", NO_ANSWER))
PLAIN = [("relay.example:9000", None)]


class Form:
    """A form in sight."""

    def __init__(self) -> None:
        self.case = Case()
        self.links = self.case.links
        self.rooms = OpenRooms(self.links, self.case.trust)
        self.changes = 0
        self.rooms.on_change = self._note

    def _note(self) -> None:
        self.changes += 1

    @property
    def offered(self) -> list[ListedRoom]:
        return list(self.rooms.rooms)

    def ask(self, server: str = "relay.example", *, tls: bool = False) -> None:
        self.rooms.ask(server, tls=tls)


@pytest.fixture
def form() -> Form:
    return Form()


def test_rooms_are_offered_and_asked_for_again(form: Form) -> None:
    form.ask()
    form.ask(" relay.example:9000 ")  # while nothing came yet
    assert form.offered == []
    assert form.links.tell_rooms(TEA, MILK) == PLAIN
    assert form.offered == [TEA, MILK]
    form.ask()
    assert form.offered == [TEA, MILK]  # until there is news
    assert form.links.tell_rooms(TEA, MILK) == PLAIN
    assert form.changes == 1
    form.ask()
    form.links.tell_rooms(MILK)
    assert (form.offered, form.changes) == ([MILK], 2)


def test_another_relay_has_other_rooms(form: Form) -> None:
    form.ask()
    form.links.tell_rooms(TEA)
    form.ask("other.example:9100")
    assert form.offered == []
    form.ask("third.example")
    assert form.links.tell_rooms(MILK) == [("third.example:9000", None)]
    assert form.offered == [MILK]


@pytest.mark.parametrize("server", ["", "a b", "host:port", "chat://relay.example/tea", "[::1"])
def test_what_is_no_address_is_asked_nothing(form: Form, server: str) -> None:
    form.ask()
    form.links.tell_rooms(TEA)
    form.ask(server)
    assert form.links.tell_rooms() == []
    assert form.offered == []


@pytest.mark.parametrize("tls", [False, True])
def test_a_relay_that_lists_no_rooms_is_asked_once(form: Form, *, tls: bool) -> None:
    form.ask(tls=tls)
    form.links.show()
    assert len(form.links.tell_rooms()) == 1
    form.ask(tls=tls)
    form.links.show()
    assert form.links.tell_rooms() == []
    assert (form.offered, form.changes) == ([], 0)
    form.rooms.stop()
    form.ask(tls=tls)  # the form is shown anew
    form.links.show()
    assert len(form.links.tell_rooms(TEA)) == 1
    assert form.offered == [TEA]


@pytest.mark.parametrize("trouble", [NOBODY, RefusedError(Refusal(Status.BUSY))])
def test_a_relay_in_trouble_is_asked_again(form: Form, trouble: RefusedError | UnreachableError) -> None:
    form.ask()
    form.links.tell_rooms(TEA)
    form.ask()
    form.links.rooms = trouble
    assert form.links.tell_rooms() == PLAIN
    assert form.offered == []
    form.ask()
    form.links.tell_rooms(TEA)
    assert form.offered == [TEA]


def test_who_looks_away_is_told_nothing_any_more(form: Form) -> None:
    form.ask()
    form.links.tell_rooms(TEA)
    form.ask()
    form.rooms.stop()
    assert (form.offered, form.changes) == ([], 2)
    assert form.links.tell_rooms() == []


@pytest.mark.requirement("TCP-12")
def test_by_tls_a_relay_is_looked_at_once_and_asked_by_what_it_is_trusted(form: Form) -> None:
    form.ask(tls=True)
    assert form.links.tell_rooms() == []
    form.links.show()
    assert form.links.tell_rooms(TEA) == [("relay.example:9000", Tls())]
    form.ask(tls=True)
    assert not form.links.looks
    assert form.links.tell_rooms(TEA) == [("relay.example:9000", Tls())]
    form.ask()
    assert form.links.tell_rooms(TEA) == PLAIN


@pytest.mark.requirement("TCP-12")
def test_a_relay_that_was_trusted_before_is_asked_by_its_fingerprint(form: Form) -> None:
    form.case.relay.certificate = Presented(SHOWN, DOUBT)
    form.case.trust.known["relay.example:9000"] = SHOWN
    form.ask(tls=True)
    form.links.show()
    assert form.links.tell_rooms(TEA) == [("relay.example:9000", Tls(fingerprint=SHOWN))]


@pytest.mark.requirement("TCP-12")
@pytest.mark.parametrize("trusted", ["", "00:" * 31 + "00", "broken"])
def test_a_relay_that_isnt_trusted_is_asked_nothing_and_nobody_is_asked_about_it(form: Form, trusted: str) -> None:
    form.case.relay.certificate = Presented(SHOWN, DOUBT)
    form.case.trust.broken = trusted == "broken"
    if trusted:
        form.case.trust.known["relay.example:9000"] = trusted
    for _ in range(2):
        form.ask(tls=True)
        form.links.show()
        assert form.links.tell_rooms() == []
    assert form.offered == []
    assert not form.links.looks


@pytest.mark.requirement("TCP-12")
def test_a_relay_that_shows_another_certificate_is_looked_at_anew(form: Form) -> None:
    form.ask(tls=True)
    form.links.show()
    form.links.tell_rooms(TEA)
    form.ask(tls=True)
    form.links.rooms = UntrustedError(Ended.untrusted("relay.example:9000", DOUBT))
    form.links.tell_rooms()
    assert form.offered == []
    form.ask(tls=True)
    assert len(form.links.looks) == 1


def test_nobody_to_look_at_has_no_rooms(form: Form) -> None:
    form.case.relay.certificate = NOBODY
    for _ in range(2):
        form.ask(tls=True)
        assert len(form.links.looks) == 1
        form.links.show()
    assert form.links.tell_rooms() == []
