"""When it can't go on by itself: refused, evicted, closed, away, not trusted; and the buttons that help."""

from collections.abc import Callable

import pytest
from textual.widgets import Button

from chatbrain import Ended, EndReason, Fault, Finding, Presented, Tls, UnreachableError
from chatproto import Disconnected, EvictionReason, Operation, Status
from messenger.core.facts import Presence
from services.messenger.core.fake_relay import SHOWN, Case
from services.messenger.terminal.seat import Seat, sit_down

TLS = Tls()
DOUBT = Finding(Fault.SELF_SIGNED, "self-signed certificate")
UNREACHABLE = UnreachableError(Ended(EndReason.UNREACHABLE, "No relay answers."))


def over(seat: Seat) -> Callable[[], object]:
    return lambda: seat.room.presence is Presence.OVER


async def test_a_wrong_password_is_asked_for_unseen_until_it_is_right(case: Case) -> None:
    case.relay.verdict = Status.WRONG_PASSWORD
    async with sit_down(case) as ann:
        await ann.sees("Password for demo:")
        await ann.enters("a guess")
        await ann.sees("Enter the password", "Not connected")
        assert not any("guess" in line for line in ann.lines)
        await ann.presses("enter")  # the first button has the focus
        await ann.sees("Password for demo:")
        case.relay.verdict = Status.OK
        await ann.enters("sesame")
        await ann.sees("You are in demo as ann.", "Connected")
        assert [password for *_, password in case.relay.asked] == [None, "a guess", "sesame"]
        await ann.misses("Enter the password")
        assert ann.app.left_badly() is None


async def test_an_empty_password_is_none_and_escape_asks_no_more(case: Case) -> None:
    case.relay.verdict = Status.WRONG_PASSWORD
    async with sit_down(case) as ann:
        await ann.sees("Password for demo:")
        await ann.presses("enter")
        await ann.sees("The password is empty")
        await ann.presses("escape")
        await ann.misses("Password for demo:")
        await ann.settles()
        assert len(case.relay.asked) == 1
        assert len(ann.app.screen_stack) == 1


async def test_a_room_that_does_not_exist_is_created_by_a_key(case: Case) -> None:
    case.relay.verdict = Status.NO_SUCH_ROOM
    async with sit_down(case) as ann:
        await ann.sees("Create the room", "Try again", "Remove from list")
        case.relay.verdict = Status.OK
        await ann.presses("enter")
        await ann.sees("You created demo")
        assert [operation for operation, *_ in case.relay.asked] == [Operation.JOIN, Operation.CREATE]


async def test_a_room_that_exists_is_joined_by_the_mouse(case: Case) -> None:
    case.relay.verdict = Status.ROOM_EXISTS
    async with sit_down(case, create=True) as ann:
        await ann.sees("Join the room")
        case.relay.verdict = Status.OK
        await ann.clicks_on("Join the room")
        await ann.sees("You are in demo as ann.")
        assert [operation for operation, *_ in case.relay.asked] == [Operation.CREATE, Operation.JOIN]


async def test_a_name_that_is_taken_is_changed(case: Case) -> None:
    case.relay.verdict = Status.NAME_TAKEN
    async with sit_down(case) as ann:
        await ann.sees("Choose another name")
        await ann.presses("enter")
        await ann.sees("Your name in the room:")
        await ann.enters("Cem")
        # The panel of the first refusal stands there until the second one is drawn.
        await ann.until(lambda: sum("12:00 A member" in line for line in ann.lines) == 2, "The second refusal")
        # Textual's buttons take no key for a fifth of a second after they were pressed.
        await ann.until(lambda: isinstance(button := ann.app.focused, Button) and not button.has_class("-active"))
        assert [name for _, _, name, _ in case.relay.asked] == ["ann", "Cem"]
        await ann.presses("enter")
        await ann.sees("Your name in the room:")
        await ann.enters(":")
        await ann.sees("The user name has a colon")
        case.relay.verdict = Status.OK
        await ann.presses("backspace")
        await ann.enters("Cem")
        await ann.sees("You are in demo as Cem.")


async def test_who_is_typing_creates_nothing_by_enter(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.types("half a sent")
        case.relay.notices(Disconnected(EvictionReason.HOST_LEFT))
        await ann.sees("Create the room")
        await ann.enters("ence")
        await ann.settles()
        assert ann.app._rooms.composer.value == "half a sentence"
        assert ann.room.presence is Presence.OVER
        await ann.sees("You are not in the room right now")


@pytest.mark.parametrize(
    ("reason", "words", "end"),
    [
        (EvictionReason.KICKED, "The host removed you.", EndReason.EVICTED),
        (EvictionReason.HOST_LEFT, "The host left, so the room closed.", EndReason.ROOM_CLOSED),
    ],
)
async def test_an_eviction_is_said_and_stays_the_end_unless_one_comes_back(
    case: Case, reason: EvictionReason, words: str, end: EndReason
) -> None:
    async with sit_down(case) as ann:
        case.relay.notices(Disconnected(reason))
        await ann.sees(words, "Try again")
        ended = ann.app.left_badly()
        assert ended
        assert ended.reason is end
        await ann.clicks_on("Try again")
        await ann.sees("Connected")
        await ann.misses("Try again")
        await ann.presses("ctrl+q")
        assert ann.app.left_badly() is None


async def test_a_relay_that_is_away_is_waited_for_and_the_seconds_are_counted(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.verdict = None
        case.relay.notices(Disconnected(EvictionReason.SHUTDOWN))
        await ann.sees("The relay is shutting down.", "Reconnecting in 1 s")
        for _ in range(3):
            case.links.pass_time(ann.room.contact.retry_at - case.links.now)
        seconds = round(ann.room.contact.retry_at - case.links.now)
        assert seconds > 2
        await ann.sees(f"Reconnecting in {seconds} s")
        case.links.now += 1.0
        await ann.sees(f"Reconnecting in {seconds - 1} s")
        await ann.enters("anybody?")
        await ann.sees("…12:00 ann: anybody?", "What you write is sent once the relay is heard again.")
        await ann.enters("/topic tea")
        await ann.sees("You are not in the room right now", "│ /topic tea")
        case.relay.verdict = Status.OK
        case.links.pass_time(30.0)
        await ann.sees("You are back", "Connected", "✓12:00 ann: anybody?")


async def test_closing_the_last_room_ends_the_app_and_why_is_remembered(case: Case) -> None:
    case.relay.verdict = Status.ROOM_FULL
    async with sit_down(case) as ann:
        await ann.sees("Remove from list")
        await ann.clicks_on("Remove from list")
        await ann.until(lambda: not ann.app.is_running, "The end")
        ended = ann.app.left_badly()
        assert ended
        assert ended.status is Status.ROOM_FULL


async def test_a_stranger_is_trusted_only_by_a_deliberate_key(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, DOUBT)
    async with sit_down(case, tls=TLS, size=(120, 30)) as ann:
        await ann.sees("Checking the certificate...")
        case.links.show()
        await ann.sees(
            "The certificate of the relay at relay.example:9000 isn't trusted yet",
            SHOWN,
            "Don't trust it",
            "Trust this relay",
        )
        await ann.presses("right", "enter")
        await ann.sees("You are in demo as ann.")
        assert case.trust.known == {"relay.example:9000": SHOWN}


async def test_whoever_does_not_trust_a_stranger_sends_it_nothing(case: Case) -> None:
    case.relay.certificate = Presented(SHOWN, DOUBT)
    async with sit_down(case, tls=TLS) as ann:
        case.links.show()
        await ann.sees("Don't trust it")
        await ann.presses("enter")
        await ann.sees("You didn't trust the relay: nothing was sent to it.", "Remove from list")
        assert case.relay.links == []
        assert case.trust.known == {}
        assert ann.app.left_badly()


async def test_a_certificate_that_changed_is_loud(case: Case) -> None:
    case.trust.known["relay.example:9000"] = ":".join(["BB"] * 32)
    case.relay.certificate = Presented(SHOWN, DOUBT)
    async with sit_down(case, tls=TLS) as ann:
        case.links.show()
        await ann.sees("STOP: the certificate of the relay at relay.example:9000 has changed", "Remove from list")
        await ann.until(over(ann))
        assert not any("Try again" in line for line in ann.lines)


async def test_a_relay_without_tls_is_said(case: Case) -> None:
    case.relay.certificate = UNREACHABLE
    async with sit_down(case, tls=TLS) as ann:
        case.links.show()
        await ann.sees("Try again")
        assert ann.app.left_badly()
