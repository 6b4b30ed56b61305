"""docs/protocol.md says what the code does: its tables, notices and hex dumps are checked against it."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from chatproto import (
    COMMANDS,
    Challenge,
    Command,
    CommandFailed,
    Disconnected,
    EvictionReason,
    Failure,
    Feature,
    Frame,
    HostChanged,
    ListedMember,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MemberList,
    Notice,
    NotRelayed,
    RefusalCode,
    Status,
    Topic,
    encode_datagram,
    encode_frame,
    encode_lobby,
    encode_notice,
)
from chatproto.sealing import RoomKey, Sealer

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
TOKEN = b"Zq3vK8xW1sNd0aTgYb5LrQ"
TICKET = b"p7RkQ2mVx0Hd4sYtBn9LwA"
SEALED = Sealer(RoomKey(bytes(range(16))), "lab", "ann", bytes.fromhex("a1a2a3a4a5a6a7a8")).seal("hello").text.encode()
EXAMPLES = {
    "ann creates the room lab: state 0": encode_frame(Frame(1, 0, b"lab", b"ann")),
    "the relay accepts: state 1, status 0": encode_frame(Frame(1, 1, b"lab", b"\0")),
    "the relay grants a token of 22 bytes: state 2": encode_frame(Frame(1, 2, b"lab", TOKEN)),
    "bob joins the room lab: operation 2, state 0": encode_frame(Frame(2, 0, b"lab", b"bob")),
    "the reply if there is no such room: state 1, status 2": encode_frame(Frame(2, 1, b"lab", b"\2")),
    "ann creates the room lab with a JSON request": encode_frame(
        Frame(1, 0, b"lab", b'{"username": "ann", "reply": "json"}')
    ),
    "ann says hello, with her token": encode_datagram(b"lab", TOKEN, b"hello"),
    "bob receives": b"ann: hello",
    "ann kicks bob": encode_datagram(b"lab", TOKEN, b"/kick bob"),
    "ann's keep-alive": encode_datagram(b"lab", TOKEN),
    "zoe joined, as JSON": encode_notice(MemberJoined("zoe"), json=True),
    "bob resumes in the room lab by JSON": encode_frame(
        Frame(2, 0, b"lab", b'{"username": "bob", "reply": "json", "features": ["resume"], "resume": "%b"}' % TICKET)
    ),
    "ann creates the sealed room lab by JSON": encode_frame(
        Frame(1, 0, b"lab", b'{"username": "ann", "reply": "json", "features": ["sealed"], "sealed": true}')
    ),
    "ann says hello in it, with her token": encode_datagram(b"lab", TOKEN, SEALED),
    "bob receives it, and opens hello": b"ann: " + SEALED,
    "ann says hello in the lobby": encode_lobby(b"ann", b"hello"),
}


def hex_dump(data: bytes) -> str:
    rows = (data[start : start + 16] for start in range(0, len(data), 16))
    return "\n".join(
        f"{16 * number:04x}  {row.hex(' '):<47}  |{re.sub('[^ -~]', '.', row.decode('latin-1'))}|"
        for number, row in enumerate(rows)
    )


def test_the_table_of_statuses_is_the_enum() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(str(status.value), status.reason, status.message) for status in Status]


def test_the_table_of_codes_is_the_enum() -> None:
    section = DOCUMENT.partition("\n### Codes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(str(code), code.message) for code in RefusalCode]


def test_the_table_of_eviction_reasons_is_the_enum() -> None:
    section = DOCUMENT.partition("\n## Eviction\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(str(reason), reason.message) for reason in EvictionReason]


def test_the_table_of_commands_is_the_codes() -> None:
    section = DOCUMENT.partition("\n## Moderation (UDP)\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(/\w+(?: [A-Z]+)?)` \| (.+?) \| (.+) \|$", section, re.MULTILINE)
    assert len(rows) == len(COMMANDS)
    for (shown, who, what), spec in zip(rows, COMMANDS.values(), strict=True):
        with_argument = f"/{spec.word} {spec.argument}".rstrip()
        assert shown == (f"/{spec.word}" if spec.anybody_asks else with_argument)
        assert (who == "the host") is spec.needs_host("")
        assert not spec.anybody_asks or (f"`{with_argument}`" in what and what.endswith("(only the host)"))


def test_the_notices_are_those_the_relay_sends() -> None:
    said = [
        encode_notice(notice).decode()
        for notice in (
            MemberJoined("NAME"),
            MemberLeft("NAME"),
            MemberEvicted("NAME", EvictionReason.ABUSE),
            Disconnected(EvictionReason.ABUSE),
            HostChanged("NAME"),
            Topic("TEXT"),
            Topic(""),
            Challenge("NONCE"),
        )
    ]
    section = DOCUMENT.partition("\n## Notices\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(server: .+?)` \|", section, re.MULTILINE)
    assert rows == [text.replace("abuse", "REASON") for text in said]


def features_section() -> str:
    return DOCUMENT.partition("\n## Features\n")[2].partition("\n## ")[0]


def test_the_features_are_the_enum() -> None:
    (named,) = re.findall(r"The features so far are (.+?)[.:]", features_section())
    assert re.findall(r"`(\w+)`", named) == list(Feature)


def test_the_table_of_json_notices_is_the_codes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.+) \|$", features_section(), re.MULTILINE)
    documented = {kind: re.findall(r"`(\w+)`", names) for kind, names, _ in rows}
    written = {}
    for notice in get_args(Notice):
        names = [field.name for field in fields(notice)]
        if notice is MemberList:
            names[1:1] = [field.name for field in fields(ListedMember)]
        if hasattr(notice, "message") and "message" not in names:
            names.append("message")
        written[notice.KIND] = names
    assert documented == written
    (dropped,) = [when for kind, _, when in rows if kind == "dropped"]
    assert re.findall(r"`(\w+)`", dropped) == list(NotRelayed)


def test_the_table_of_failures_is_the_enum() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", features_section(), re.MULTILINE)
    assert rows == [(code, str(CommandFailed(code, Command.KICK, "NAME", 100, 7))) for code in Failure]


def test_the_hex_dumps_are_real() -> None:
    shown = dict(re.findall(r"^```hexdump\n# (.+)\n((?:.+\n)+?)```$", DOCUMENT, re.MULTILINE))
    assert shown == {title: hex_dump(data) + "\n" for title, data in EXAMPLES.items()}
