"""``chat`` as a filter: real processes, a real relay, nothing but command lines and pipes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import pytest

from conformance.relays import OBEYS_NOBODY, CommonRelays
from e2e.piped import SECONDS, Chat, once

Relay = Any


@pytest.fixture
def pair(chat: Callable[..., Chat], relay: Relay, room: str) -> tuple[Chat, Chat]:
    """Ann, who hosts the room, and bob, who joined it."""
    ann = chat("create", room, "--name", "ann", "--server", relay.server)
    ann.is_told("You created")
    bob = chat("join", room, "--name", "bob", "--server", relay.server)
    bob.is_told("You are in")
    ann.is_told("bob joined")
    return ann, bob


@pytest.fixture(scope="module")
def staying_room() -> str:
    return f"room {uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def staying(relay: Relay, staying_room: str) -> Iterator[tuple[Chat, Chat]]:
    ann = Chat("create", staying_room, "--name", "ann", "--server", relay.server)
    with closing(ann):
        ann.is_told("You created")
        bob = Chat("join", staying_room, "--name", "bob", "--server", relay.server)
        with closing(bob):
            bob.is_told("You are in")
            ann.is_told("bob joined")
            yield ann, bob


@pytest.fixture
def staying_pair(staying: tuple[Chat, Chat]) -> tuple[Chat, Chat]:
    """Ann and bob for a test after which both are still there; others' names are each test's own."""
    ann, bob = staying
    for speaker, name, listener in ((bob, "bob", ann), (ann, "ann", bob)):
        word = uuid4().hex
        speaker.say(word)
        listener.hears_at_last(f"{name}: {word}")
    return staying


def test_two_people_talk_both_ways(staying_pair: tuple[Chat, Chat]) -> None:
    ann, bob = staying_pair
    bob.say("hi ann")
    ann.hears("bob: hi ann")
    ann.say("hi bob, 今日は")
    bob.hears("ann: hi bob, 今日は")


def test_one_line_from_a_script(staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str) -> None:
    ann, bob = staying_pair
    done = once("join", staying_room, "--name", "script", "--server", relay.server, text="build failed\n")
    assert (done.returncode, done.stdout) == (0, "")
    ann.hears("script: build failed")
    bob.hears("script: build failed")
    ann.is_told("script left")


def test_many_lines_arrive_all_in_order(staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str) -> None:
    ann, _ = staying_pair
    lines = [f"line {number}" for number in range(60)]  # beyond the relay's burst of 40
    once("join", staying_room, "--name", "writer", "--server", relay.server, text="\n".join(lines))
    for line in lines:
        ann.hears(f"writer: {line}")


def test_messages_are_harmless_to_other_members_terminals(staying_pair: tuple[Chat, Chat]) -> None:
    ann, bob = staying_pair
    bob.say(b"\x1b]0;owned\x07 \xe2\x80\xaeevil \xff\xfe \x9b31m")
    heard = ann.out.get(timeout=SECONDS)
    assert heard
    assert heard.startswith("bob: ")
    assert heard.isprintable()
    assert "\u202e" not in heard


def test_what_ends_a_chat_or_begins_with_two_slashes_is_text(staying_pair: tuple[Chat, Chat]) -> None:
    ann, bob = staying_pair
    for line, heard in (("/quit", " /quit"), ("//tea is ready", "/tea is ready"), ("//who", " /who")):
        bob.say(line)
        ann.hears(f"bob: {heard}")  # a space keeps the relay from obeying it


def test_a_command_that_the_relay_refuses_is_told_and_known_by_the_exit_code(
    staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str
) -> None:
    ann, _ = staying_pair
    done = once("join", staying_room, "--name", "guest", "--server", relay.server, text="/topic coffee\nhello\n")
    ann.hears("guest: hello")
    assert "Only the host may do that" in done.stderr
    assert done.returncode == 3


def test_a_host_moderates_through_a_pipe(pair: tuple[Chat, Chat]) -> None:
    ann, bob = pair
    ann.say("/topic tea")
    bob.is_told("topic: tea")
    bob.say("/kick ann")
    bob.is_told("Only the host may do that")
    ann.say("/kick bob")
    bob.is_told("The host removed you.")
    bob.ends(1)
    ann.is_told("bob was kicked")


def test_who_is_banned_is_told_so_at_once_and_when_it_comes_back(
    chat: Callable[..., Chat], pair: tuple[Chat, Chat], relay: Relay, room: str
) -> None:
    ann, bob = pair
    ann.say("/ban bob")
    bob.is_told("The host of this room has banned you.")
    bob.ends(1)
    again = chat("join", room, "--name", "bob", "--server", relay.server)
    again.is_told("The host of this room has banned you.")
    again.ends(1)


def test_no_command_reaches_a_relay_that_would_relay_it(
    chat: Callable[..., Chat], common_relays: CommonRelays, room: str
) -> None:
    server = f"127.0.0.1:{common_relays.get(**OBEYS_NOBODY).relay.tcp_port}"
    ann = chat("create", room, "--name", "ann", "--server", server)
    ann.is_told("You created")
    bob = chat("join", room, "--name", "bob", "--server", server)
    bob.is_told("You are in")
    ann.say("/password open sesame")
    ann.is_told("was not delivered (this relay has no commands)")
    ann.say("hello")
    bob.hears("ann: hello")


def test_a_message_too_long_is_named_and_the_rest_goes_on(staying_pair: tuple[Chat, Chat]) -> None:
    ann, bob = staying_pair
    bob.say("x" * 5000)
    bob.is_told("The message has 5000 bytes: use at most")
    bob.say("short")
    ann.hears("bob: short")


def test_the_room_closes_when_its_host_leaves(pair: tuple[Chat, Chat]) -> None:
    ann, bob = pair
    ann.stdin.close()
    ann.ends(0)
    bob.is_told("chat: The host left, so the room closed.")
    bob.ends(1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_the_room(pair: tuple[Chat, Chat], number: signal.Signals) -> None:
    ann, bob = pair
    bob.process.send_signal(number)
    bob.ends(0)
    ann.is_told("bob left")


def test_staying_after_the_end_of_the_input(
    chat: Callable[..., Chat], staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str
) -> None:
    ann, _ = staying_pair
    listener = chat("join", staying_room, "--name", "listener", "--server", relay.server, "--stay")
    listener.is_told("You are in")
    listener.stdin.close()
    ann.say("anybody there?")
    listener.hears("ann: anybody there?")


def test_the_reader_of_the_output_may_close_it(
    staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str
) -> None:
    ann, _ = staying_pair
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "messenger", "join", staying_room, "--name", "reader", "--server", relay.server],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as eve:
        os.close(writing)
        os.close(reading)
        assert eve.stderr
        assert b"You are in" in eve.stderr.readline()
        ann.say("hello?")
        assert eve.wait(SECONDS) == 0
        assert b"Error" not in eve.stderr.read()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_is_an_empty_one(relay: Relay, room: str, closed: str) -> None:
    words = ["-m", "messenger", "create", room, "--name", "ann", "--server", relay.server]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *words], input="hi\n", text=True, timeout=SECONDS,
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("You created") == (closed != "2>&-")


def test_an_input_without_lines_is_refused_in_a_sentence(relay: Relay, room: str) -> None:
    words = [sys.executable, "-m", "messenger", "create", room, "--name", "ann", "--server", relay.server]
    with Path("/dev/zero").open("rb") as zeros:
        done = subprocess.run(words, stdin=zeros, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("chat: The standard input is no text: a line has more than 16 MiB.\n")


def test_an_output_that_is_full_is_told_in_a_sentence(
    staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str
) -> None:
    ann, _ = staying_pair
    words = ["-m", "messenger", "join", staying_room, "--name", "writer", "--server", relay.server]
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=full, stderr=subprocess.PIPE) as eve,
    ):
        assert eve.stderr
        assert b"You are in" in eve.stderr.readline()
        ann.say("hello?")
        assert eve.wait(SECONDS) == 1
        assert eve.stderr.read() == b"chat: The output can't be written (no space left on device).\n"


def test_the_sign_before_utf_8_is_no_part_of_what_comes_in(chat: Callable[..., Chat], relay: Relay, room: str) -> None:
    ann = chat("create", room, "--name", "ann", "--server", relay.server)
    ann.say(b"\xef\xbb\xbf/password s3cret")
    ann.is_told("The room has a new password")


def test_an_input_in_utf_16_is_refused_in_a_sentence(relay: Relay, room: str) -> None:
    done = once("create", room, "--name", "ann", "--server", relay.server, text="/\0p\0a\0")
    assert done.returncode == 2
    assert done.stderr.endswith("chat: The standard input is in UTF-16: write it in UTF-8.\n")
    assert "Traceback" not in done.stderr


def test_a_name_is_text_in_any_locale_and_in_any_spelling(chat: Callable[..., Chat], relay: Relay, room: str) -> None:
    bare = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    ann = chat("create", f"{room} ガー", "--name", "Zoë", "--server", relay.server, **bare)
    ann.is_told(f"You created {room} ガー and are its host, as Zoë")
    bob = chat("join", normalize("NFD", f"{room} ガー"), "--name", normalize("NFD", "Chloé"), "--server", relay.server)
    bob.is_told("as Chloé")
    ann.is_told("Chloé joined")


def test_refusals_say_why(staying_pair: tuple[Chat, Chat], relay: Relay, staying_room: str) -> None:
    assert staying_pair
    server = ("--server", relay.server)
    taken = once("join", staying_room, "--name", "bob", *server)
    assert (taken.returncode, taken.stderr.count("\n")) == (1, 1)
    assert "Choose another name." in taken.stderr
    exists = once("create", staying_room, "--name", "eve", *server)
    assert (exists.returncode, exists.stderr.count("\n")) == (1, 1)
    missing = once("join", f"{staying_room}?", "--name", "eve", *server)
    assert "There is no room with this name" in missing.stderr


def test_a_conversation_in_japanese(chat: Callable[..., Chat], relay: Relay, room: str) -> None:
    ann = chat("create", room, "--name", "花子", "--server", relay.server, LANG="ja_JP.UTF-8", LC_ALL="", LANGUAGE="")
    ann.is_told(f"ルーム {room} を作成しました。花子 としてホストになりました。")
    bob = chat("--lang", "ja", "join", room, "--name", "bob", "--server", relay.server)
    bob.is_told(f"bob としてルーム {room} に参加しました。")
    ann.is_told("bob さんが参加しました")
    ann.say("/who")
    ann.is_told("2 人がいます: 花子（ホスト）, bob")
    taken = once("join", room, "--name", "bob", "--server", relay.server, "--lang=ja")
    assert taken.stderr == "chat: この名前か、よく似た名前の人がすでにルームにいます。別の名前にしてください。\n"
    ann.say("/kick bob")
    bob.is_told("chat: ホストがあなたを退室させました。")
    bob.ends(1)


def test_a_room_with_a_password_through_pipes(
    chat: Callable[..., Chat], relay: Relay, room: str, tmp_path: Path
) -> None:
    server = ("--server", relay.server)
    file = tmp_path / "password"
    file.write_bytes("caf\u00e9 1\r\nnot this\n".encode())
    ann = chat("create", room, "--name", "ann", "--password-file", str(file), *server)
    ann.is_told("You created")
    for guess, sentence in (
        ("", "This room has a password: use --password-file FILE or CHAT_PASSWORD."),
        ("a guess", "The password is wrong."),
    ):
        refused = once("join", room, "--name", "bob", *server, text="hi", CHAT_PASSWORD=guess)
        assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"chat: {sentence}\n")
    joined = once("join", room, "--name", "bob", *server, text="hi\n", CHAT_PASSWORD="cafe\u0301 1")
    assert joined.returncode == 0
    ann.hears("bob: hi")


@pytest.mark.requirement("SEAL-01", "SEAL-03")
def test_a_sealed_room_through_pipes(chat: Callable[..., Chat], relay: Relay, room: str, tmp_path: Path) -> None:
    ann = chat("create", room, "--name", "Ann", "--sealed", "--server", relay.server)
    link = ann.is_told("Invitation").rpartition(" ")[2]
    file = tmp_path / "link"
    file.write_text(link + "\n", encoding="utf-8")
    bob = chat("join", "--link-file", str(file), "--name", "Bob")
    ann.is_told("Bob joined")
    bob.say("can they read this?")
    ann.hears("Bob: can they read this?")
    ann.say("/topic tea")
    bob.is_told("topic: tea")
    wrong = chat("join", f"{link.partition('#')[0]}#k=AAAAAAAAAAAAAAAAAAAAAA", "--name", "Zoe")
    wrong.is_told("The topic can't be opened: your key is probably not this room's.")
    wrong.say("nobody should read this")
    wrong.is_told("Line 1 was not delivered (Your key opens nothing that others write here, so nothing was sent")
    bob.say("still among us")
    ann.hears("Bob: still among us")
    without = chat("join", room, "--name", "Eve", "--server", relay.server)
    without.is_told("The room is sealed: only members with its key can read it. Ask a member for the whole invitation.")
    without.ends(1)


def test_a_relay_that_isnt_there_is_told() -> None:
    with socket.socket() as refusing, socket.socket() as mute:
        refusing.bind(("127.0.0.1", 0))
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        for silent in (refusing, mute):
            done = once("join", "demo", "--name", "ann", "--server", f"127.0.0.1:{silent.getsockname()[1]}")
            assert done.returncode == 1
            assert done.stderr.startswith("chat: No relay answers at 127.0.0.1:")


@pytest.mark.parametrize("where", [("join", "demo"), ("lobby",)])
def test_an_address_without_its_interface_is_told_in_a_sentence(where: tuple[str, ...]) -> None:
    done = once(*where, "--name", "ann", "--server", "[fe80::1]")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the address needs the name of an interface, such as fe80::1%eth0" in done.stderr


def test_nobody_in_the_lobby() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
    done = once("lobby", "--name", "ann", "--server", f"127.0.0.1:{port}")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith("the lobby's own port is 9002 by default.\n")


def test_the_lobby(chat: Callable[..., Chat], relay: Relay) -> None:
    ann = chat("lobby", "--name", "ann", "--server", relay.lobby)
    ann.is_told("You are in the lobby as ann, if it is there: nothing has been heard yet.")
    once("lobby", "--name", "bob", "--server", relay.lobby, text="hi all\n")
    ann.hears("bob: hi all")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "The following arguments are required: {create,join,lobby,rooms} (see chat --help)."),
        (["--lang", "fr", "lobby"], "Language 'fr' isn't available: use en, ja."),
        (
            ["lobby", "--lang", "ja", "--server", "h:0"],
            "'h:0' の '0' はポート番号ではありません。1 から 65535 までの数を指定してください。",
        ),
        (["--lang", "ja"], "次の引数が必要です: {create,join,lobby,rooms}（chat --help をご覧ください）。"),
        (
            ["create", "demo", "--password"],
            "--password needs a terminal: without one use --password-file FILE or CHAT_PASSWORD.",
        ),
        (
            ["join", "demo", "--password-file", "/no/such/file"],
            "The password file /no/such/file can't be read (no such file or directory): choose a readable file.",
        ),
    ],
)
def test_mistakes_get_one_sentence(arguments: list[str], sentence: str) -> None:
    done = once(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"chat: {sentence}\n")


def test_its_version() -> None:
    assert once("--version").stdout.startswith("chat 0.")
