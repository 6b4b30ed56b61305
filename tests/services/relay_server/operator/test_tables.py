"""Tables for people: aligned, and harmless whatever strangers call themselves."""

import pytest

from relay_server.operator.tables import SHOWN, show_duration, show_text

ROOM = {"room": "tea", "host": "ann", "members": 2, "streams": 1, "age_seconds": 61.9, "password": False, "topic": ""}
MEMBER = {
    "name": "ann",
    "ip": "10.0.0.1",
    "port": 5000,
    "transport": "udp",
    "away": False,
    "age_seconds": 3.0,
    "silence_seconds": 0.2,
    "host": True,
    "muted": False,
}


def test_rooms_stand_in_columns_that_wide_letters_dont_shift() -> None:
    rows = [
        ROOM,
        ROOM
        | {"room": "お茶の間", "host": None, "members": 12, "age_seconds": 7200.0, "password": True, "topic": "chat"},
    ]
    assert SHOWN["rooms"](rows) == (
        "ROOM      HOST  MEMBERS  STREAMS  AGE    PASSWORD  TOPIC\n"
        "tea       ann   2        1        1m01s  -\n"
        "お茶の間  -     12       1        2h00m  yes       chat\n"
    )


def test_members_stand_in_columns() -> None:
    rows = [
        MEMBER,
        MEMBER
        | {
            "name": "bob",
            "ip": "2001:db8::1",
            "port": None,
            "host": False,
            "muted": True,
            "transport": "stream tls",
            "away": True,
        },
    ]
    assert SHOWN["members"](rows) == (
        "NAME  IP           PORT  TRANSPORT   AWAY  AGE  SILENT  HOST  MUTED\n"
        "ann   10.0.0.1     5000  udp         -     3s   0s      yes   -\n"
        "bob   2001:db8::1  -     stream tls  yes   3s   0s      -     yes\n"
    )


def test_bans_stand_in_columns() -> None:
    assert SHOWN["bans"]([{"name": "bob", "address": "10.0.0.2"}, {"name": "cem", "address": None}]) == (
        "NAME  ADDRESS\nbob   10.0.0.2\ncem   -\n"
    )


NODE: dict[str, object] = {
    "node": "alpha",
    "address": "chat.example:9000",
    "rooms": 2,
    "members": 5,
    "beat_age_seconds": 0.3,
    "up_seconds": 3725.0,
    "version": "1.2.3",
    "draining": False,
    "this": True,
    "answers": True,
}
SILENT = NODE | {
    "node": "b\x1b", "members": None, "up_seconds": None, "version": None, "draining": True, "this": False,
    "answers": False,
}  # fmt: skip


def test_nodes_stand_in_columns_and_who_doesnt_answer_is_said_below() -> None:
    assert SHOWN["nodes"]([NODE, SILENT]) == (
        "NODE              ADDRESS            ROOMS  MEMBERS  HEARD  UP     VERSION  DRAINING\n"
        "alpha (this one)  chat.example:9000  2      5        0s     1h02m  1.2.3    -\n"
        "b\\x1b             chat.example:9000  2      -        0s     -      -        yes\n"
        "b\\x1b doesn't answer over its link: how many members it has isn't known.\n"
    )


def test_rooms_of_all_nodes_stand_in_columns_and_who_doesnt_answer_is_said_below() -> None:
    rows: list[dict[str, object]] = [
        {"node": "alpha", **ROOM},
        {"node": "beta", "room": "newer"},
        {"node": "gamma", "room": None},
    ]
    assert SHOWN["all_rooms"](rows) == (
        "NODE   ROOM   HOST  MEMBERS  STREAMS  AGE    PASSWORD  TOPIC\n"
        "alpha  tea    ann   2        1        1m01s  -\n"
        "beta   newer  -     -        -        -      -         -\n"
        "gamma doesn't answer over its link: its rooms aren't listed.\n"
    )
    assert SHOWN["all_rooms"](rows[2:]).startswith("There are no rooms.\ngamma doesn't answer")


def test_the_end_of_a_move_is_told() -> None:
    assert SHOWN["left"]([]) == "The relay has ended.\n"
    assert SHOWN["left"]([{"rooms": 0, "people": 0}]).endswith("nobody is there any more: the relay ends.\n")
    assert SHOWN["left"]([{"rooms": 0, "people": 1}]).endswith("the last one has left; one member there.\n")


def test_nothing_is_said_so() -> None:
    assert SHOWN["rooms"]([]) == "There are no rooms.\n"
    assert SHOWN["bans"]([]) == "Nobody is banned.\n"
    assert SHOWN["members"]([]) == "Nobody is in the room.\n"


@pytest.mark.parametrize("name", ["\x1b[2J", "\x9b2J", "a\nb", "\u202egnp", "\u2066x", "\0", "\u200b", "\ue000"])
def test_names_drive_no_terminal(name: str) -> None:
    table = SHOWN["rooms"]([ROOM | {"room": name}])
    assert table.count("\n") == 2
    assert table.replace("\n", "").isprintable()
    assert "\\" in show_text(name)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (59.9, "59s"), (60.0, "1m00s"), (3599.0, "59m59s"), (3600.0, "1h00m"), (86_400.0, "1d00h"),
     (93_600.0, "1d02h")],
)  # fmt: skip
def test_durations_are_short(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


def test_a_replacement_is_told_in_words() -> None:
    row = {
        "pid": 12, "version_before": "1.0", "version": "1.0", "format": 1, "rooms": 1, "members": 1, "bytes": 5000,
        "pause_ms": 2.5,
    }  # fmt: skip
    assert SHOWN["replace"]([row]) == (
        "A new process (pid 12, version 1.0) has the relay: one room, one member. "
        "It took 5000 bytes of state in format 1; the chat paused for 2.5 ms.\n"
    )
    shown = SHOWN["replace"]([row | {"version": "1.1", "rooms": 3, "members": 20}])
    assert "version 1.1 after 1.0) has the relay: 3 rooms, 20 members. " in shown
