"""Wrong passwords: guessing is slow from one address and at one room, and nobody else is kept out."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import count

import pytest

from relay_server.core.address import network_of, parse_ip
from relay_server.core.errors import BusyError, NoCheckLeftError, WrongPasswordError
from relay_server.core.guesses import (
    AT_ONCE,
    KEPT,
    MISTAKES,
    ROOM_FACTOR,
    SPARED_MINUTES,
    WAITING,
    WAITING_OF_NETWORK,
    Guess,
    Guesses,
)
from relay_server.core.limits import AROUND_FACTORS
from relay_server.core.policy import CHECK_WAIT_SECONDS, TcpLimits

PER_MINUTE = 5
AT_ONCE_IN_A_ROOM = ROOM_FACTOR * AT_ONCE
ROOM = b"demo"
NUMBERS = count()

pytestmark = pytest.mark.requirement("PWD-04")


def verdict(guess: Guess, *, right: bool) -> None:
    with suppress(WrongPasswordError), guess:
        if not right:
            raise WrongPasswordError


def tries(
    guesses: Guesses, network: bytes, now: float, *, name: str = "", room: bytes = ROOM, right: bool = False
) -> bool:
    """Try a password, under a new name if none is given; returns whether it was looked at."""
    try:
        guess = guesses.begin(network, name or f"name {next(NUMBERS)}", room, now)
    except BusyError:
        return False
    verdict(guess, right=right)
    return True


def looked_at(guesses: Guesses, networks: Iterable[bytes], now: float, times: int = 100) -> int:
    return sum(tries(guesses, network, now) for network in networks for _ in range(times))


def addresses(count: int) -> list[bytes]:
    return [b"net %d" % number for number in range(count)]


def attacked() -> Guesses:
    """Return guesses of which many addresses have just spent all that the room stands."""
    guesses = Guesses(PER_MINUTE)
    assert looked_at(guesses, addresses(ROOM_FACTOR), 0.0) == AT_ONCE_IN_A_ROOM
    return guesses


def test_one_address_guesses_64_times_at_once_and_then_five_times_a_minute() -> None:
    guesses = Guesses(PER_MINUTE)
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE
    assert not tries(guesses, b"a", 0.0, right=True)
    assert not tries(guesses, b"a", 0.0, room=b"another room")
    assert not tries(guesses, b"a", 11.9)
    assert tries(guesses, b"a", 12.0)
    assert sum(tries(guesses, b"a", 12.0 + second) for second in range(600)) == 10 * PER_MINUTE - 1
    assert tries(guesses, b"b", 0.0)


def test_who_guesses_under_one_name_leaves_half_to_the_neighbours() -> None:
    guesses = Guesses(PER_MINUTE)
    assert sum(tries(guesses, b"a", 0.0, name="eve") for _ in range(1000)) == AT_ONCE - KEPT
    assert looked_at(guesses, [b"a"], 0.0) == KEPT


def test_a_few_mistakes_are_forgiven_though_the_address_has_little_left() -> None:
    guesses = Guesses(PER_MINUTE)
    assert sum(tries(guesses, b"a", 0.0) for _ in range(AT_ONCE - MISTAKES)) == AT_ONCE - MISTAKES
    assert sum(tries(guesses, b"a", 0.0, name="ann") for _ in range(MISTAKES - 1)) == MISTAKES - 1
    assert tries(guesses, b"a", 0.0, name="ann", right=True)


def test_a_name_is_forgiven_once_a_minute() -> None:
    guesses = Guesses(PER_MINUTE)
    assert all(tries(guesses, b"a", 0.0, name="eve") for _ in range(AT_ONCE - KEPT))
    assert not tries(guesses, b"a", 0.0, name="eve", right=True)
    assert tries(guesses, b"a", 60.0, name="eve", right=True)


def test_who_guesses_under_a_name_elsewhere_takes_nothing_from_who_has_that_name() -> None:
    guesses = Guesses(PER_MINUTE)
    assert looked_at(guesses, [b"a"], 0.0, times=AT_ONCE - MISTAKES) == AT_ONCE - MISTAKES
    for _ in range(100):
        tries(guesses, b"b", 0.0, name="ann", room=b"another room")
    assert tries(guesses, b"a", 0.0, name="ann", right=True)


def test_who_was_right_there_before_comes_in_though_the_address_has_nothing_left() -> None:
    guesses = Guesses(PER_MINUTE)
    assert tries(guesses, b"a", 0.0, name="ann", right=True)
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE
    assert all(tries(guesses, b"a", 0.0, name="ann", right=True) for _ in range(100))
    assert not tries(guesses, b"a", 0.0, name="bob", right=True)
    assert not tries(guesses, b"a", 0.0, name="ann", room=b"another room", right=True)
    assert looked_at(guesses, [b"b"], 0.0) == AT_ONCE
    assert not tries(guesses, b"b", 0.0, name="ann", right=True)


def test_who_was_right_there_before_guesses_no_faster_than_a_name_may() -> None:
    guesses = Guesses(PER_MINUTE)
    assert tries(guesses, b"a", 0.0, name="ann", right=True)
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE
    assert sum(tries(guesses, b"a", 0.0, name="ann") for _ in range(100)) == MISTAKES
    assert not tries(guesses, b"a", 0.0, name="ann", right=True)


def test_who_was_right_the_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay_server.core.guesses.MAX_TRACKED", 2)
    guesses = Guesses(PER_MINUTE)
    for name in ("ann", "bob", "ann", "cem"):
        assert tries(guesses, b"a", 0.0, name=name, right=True)
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE
    assert [tries(guesses, b"a", 0.0, name=name, right=True) for name in ("ann", "bob", "cem")] == [True, False, True]


def test_right_passwords_count_nothing() -> None:
    guesses = Guesses(PER_MINUTE)
    assert all(tries(guesses, b"a", 0.0, right=True) for _ in range(1000))
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE


def test_what_ends_without_a_verdict_counts_nothing() -> None:
    guesses = Guesses(PER_MINUTE)
    for _ in range(100):
        with pytest.raises(BusyError), guesses.begin(b"a", "ann", ROOM, 0.0):
            raise BusyError
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE


def test_many_at_once_are_not_more_than_one_by_one() -> None:
    guesses = Guesses(PER_MINUTE)
    under_way = [guesses.begin(b"a", f"name {number}", ROOM, 0.0) for number in range(AT_ONCE)]
    with pytest.raises(BusyError):
        guesses.begin(b"a", "ann", ROOM, 0.0)
    verdict(under_way.pop(), right=True)  # and one that was right makes room for the next
    under_way.append(guesses.begin(b"a", "ann", ROOM, 0.0))
    for guess in under_way:
        verdict(guess, right=False)
    assert not tries(guesses, b"a", 0.0)


def test_a_guess_that_nobody_waits_for_stays_counted() -> None:
    guesses = Guesses(PER_MINUTE)
    for number in range(AT_ONCE):
        guesses.begin(b"a", f"name {number}", ROOM, 0.0)  # the connection is cut before the verdict
    assert not tries(guesses, b"a", 0.0)


def test_an_attacked_room_still_opens_for_who_has_not_guessed_wrong() -> None:
    guesses = attacked()
    assert tries(guesses, b"honest", 0.0, right=True)
    assert tries(guesses, b"honest", 0.0, right=True)  # a right one leaves it as good as before
    assert all(tries(guesses, b"friend %d" % number, 0.0, right=True) for number in range(1000))


def test_who_mistypes_at_an_attacked_room_waits_two_minutes_however_many_attack() -> None:
    guesses = attacked()
    assert tries(guesses, b"honest", 0.0)
    assert not tries(guesses, b"honest", 0.0, right=True)
    looked_at(guesses, addresses(50), 119.9)
    assert not tries(guesses, b"honest", 119.9, right=True)
    assert tries(guesses, b"honest", 120.0, right=True)


@pytest.mark.slow
def test_the_room_holds_against_many_addresses() -> None:
    guesses = attacked()
    fifty = addresses(50)
    looked_at(guesses, fifty, 0.0)  # those who had not guessed yet have one try each
    minutes = 30
    tried = sum(looked_at(guesses, fifty, float(second), times=1) for second in range(1, 60 * minutes))
    one_by_one = 50 * PER_MINUTE * minutes
    a_room = (ROOM_FACTOR * PER_MINUTE + 50 / SPARED_MINUTES) * minutes
    assert a_room / 2 < tried <= a_room < one_by_one / 5


def test_at_an_attacked_room_many_at_once_are_one() -> None:
    guesses = attacked()
    guess = guesses.begin(b"a", "ann", ROOM, 0.0)
    with pytest.raises(BusyError):
        guesses.begin(b"a", "bob", ROOM, 0.0)
    verdict(guess, right=True)
    assert tries(guesses, b"a", 0.0)


def test_another_room_is_not_concerned() -> None:
    guesses = attacked()
    assert looked_at(guesses, [b"fresh"], 0.0) == 1
    assert sum(tries(guesses, b"new", 0.0, room=b"another room") for _ in range(100)) == AT_ONCE


def test_who_is_refused_costs_the_room_nothing() -> None:
    guesses = Guesses(PER_MINUTE)
    assert looked_at(guesses, [b"a"], 0.0, times=1000) == AT_ONCE
    assert looked_at(guesses, [b"b"], 0.0) == AT_ONCE


def test_zero_is_no_limit_and_little_is_as_much_at_once() -> None:
    assert looked_at(Guesses(0), [b"a"], 0.0, times=1000) == 1000
    assert looked_at(Guesses(0.1), [b"a"], 0.0) == AT_ONCE


@pytest.mark.parametrize("per_minute", [PER_MINUTE, 60 / CHECK_WAIT_SECONDS])
def test_a_newcomer_may_wait_for_a_check_where_others_left_none(per_minute: float) -> None:
    guesses = Guesses(per_minute)
    assert looked_at(guesses, [b"a"], 0.0) == AT_ONCE
    with pytest.raises(NoCheckLeftError):
        guesses.begin(b"a", "ann", ROOM, 0.0)
    assert tries(guesses, b"a", CHECK_WAIT_SECONDS, name="ann", right=True)


def test_nobody_waits_for_a_check_that_does_not_come_soon() -> None:
    def refused(guesses: Guesses, network: bytes, name: str) -> type[BusyError]:
        with pytest.raises(BusyError) as error:
            guesses.begin(network, name, ROOM, 0.0)
        return error.type

    seldom = Guesses(60 / CHECK_WAIT_SECONDS - 0.1)
    assert looked_at(seldom, [b"a"], 0.0) == AT_ONCE
    assert refused(seldom, b"a", "ann") is BusyError
    under_one_name = Guesses(PER_MINUTE)
    assert looked_at(under_one_name, [b"a"], 0.0, times=KEPT) == KEPT
    assert sum(tries(under_one_name, b"a", 0.0, name="eve") for _ in range(MISTAKES)) == MISTAKES
    assert refused(under_one_name, b"a", "eve") is BusyError
    room = attacked()
    assert tries(room, b"honest", 0.0)
    assert refused(room, b"honest", "ann") is BusyError


def test_a_request_may_take_so_much_longer_as_its_password_may_wait() -> None:
    limits = TcpLimits(5.0, 0.5, 4096, 2000, 64)
    assert limits.timeout_of(may_wait=False) == 5.0
    assert limits.timeout_of(may_wait=True) == 5.0 + CHECK_WAIT_SECONDS > 60 / PER_MINUTE


def test_of_an_address_and_in_all_only_so_many_wait() -> None:
    guesses = Guesses(PER_MINUTE)
    ends = [guesses.wait(b"a") for _ in range(WAITING_OF_NETWORK + 1)]
    assert [end is None for end in ends] == [False] * WAITING_OF_NETWORK + [True]
    assert ends[0]
    ends[0]()
    assert guesses.wait(b"a")
    others = [guesses.wait(b"net %d" % number) for number in range(WAITING)]
    assert sum(other is not None for other in others) == WAITING - WAITING_OF_NETWORK


def test_an_ipv6_site_is_no_thousand_addresses() -> None:
    """Of one /48: sixteen times as many guesses as one address has, at rooms that nobody else guesses at."""
    guesses = Guesses(PER_MINUTE)
    tried = 0
    for number in range(2000):
        network = network_of(parse_ip(f"2001:db8:1:{number:x}00::1" if number < 256 else f"2001:db8:1:{number:x}::1"))
        tried += tries(guesses, network, 0.0, room=b"room %d" % number)
    assert tried == AROUND_FACTORS[1] * AT_ONCE
