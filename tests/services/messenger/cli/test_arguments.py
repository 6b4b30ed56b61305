"""The command line: what is taken, and the one sentence that each mistake gets."""

import getpass
from pathlib import Path
from typing import Final

import pytest

from chatbrain import Tls, Transport
from messenger.cli.arguments import Arguments, parse

KEY: Final = "AAECAwQFBgcICQoLDA0ODw"
LINK: Final = f"chats://relay.example:7/tea#k={KEY}"


def test_the_defaults() -> None:
    assert parse(["join", "demo", "--name", "ann"]) == Arguments(
        "join", "demo", "ann", "127.0.0.1:9000", rejoin=True, plain=False, stay=False
    )
    assert parse(["lobby", "--name", "ann"]).server == "127.0.0.1:9002"
    assert parse(["lobby", "--name", "ann"]).room is None


def test_the_name_is_by_default_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert parse(["lobby"]).name == "ann"


def test_options() -> None:
    given = parse(["create", "demo", "--name", "ann", "--server", "[::1]:7", "--no-rejoin", "--plain", "--stay"])
    assert given == Arguments("create", "demo", "ann", "[::1]:7", rejoin=False, plain=True, stay=True)


def test_a_transport_may_stand_before_or_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    room = ["join", "demo", "--name", "ann"]
    assert parse(room).transport is None
    for words in ([*room, "--transport", "stream"], ["--transport", "stream", *room]):
        assert parse(words).transport is Transport.STREAM
    assert parse(["--transport", "udp"]).transport is Transport.UDP
    for words, said in (
        ([*room, "--transport", "pigeon"], "pigeon"),
        (["lobby", "--name", "ann", "--transport", "stream"], "The lobby is UDP alone"),
    ):
        with pytest.raises(SystemExit):
            parse(words)
        assert said in capsys.readouterr().err


def test_a_password_is_asked_for_or_in_a_file_but_never_on_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("create", "join"):
        assert parse([command, "demo", "--name", "ann", "--password"]).ask_password
        assert parse([command, "demo", "--name", "ann", "--password-file", "f"]).password_file == "f"
        for more in (["--password", "secret"], ["--password=secret"], ["--password", "--password-file", "f"]):
            with pytest.raises(SystemExit):
                parse([command, "demo", "--name", "ann", *more])
    with pytest.raises(SystemExit):
        parse(["lobby", "--name", "ann", "--password"])
    assert capsys.readouterr().err.count("\n") == 7


def test_tls_is_for_rooms_and_may_say_who_is_trusted() -> None:
    assert parse(["join", "demo", "--name", "ann", "--tls"]).tls == Tls()
    assert parse(["join", "demo", "--name", "ann", "--fingerprint", "ab" * 32]).tls == Tls(":".join(["AB"] * 32))


def test_without_a_command_one_is_asked_on_a_terminal() -> None:
    given = parse(["--log", "file"])
    assert (given.command, given.room, given.server, given.log, given.plain) == (None, None, "127.0.0.1", "file", False)


@pytest.mark.parametrize("command", [[], ["join"]])
def test_an_invitation_says_server_room_and_tls(command: list[str]) -> None:
    given = parse(["--bell", *command, "chats://relay.example:7/tea%20room", "--name", "ann"])
    assert (given.command, given.server, given.room, given.tls) == ("join", "relay.example:7", "tea room", Tls())
    assert given.bell
    given = parse([*command, "chat://relay.example", "--name", "ann"])
    assert (given.command, given.server, given.room, given.tls) == ("lobby", "relay.example:9002", None, None)


def test_a_room_may_be_called_nearly_like_an_invitation() -> None:
    assert parse(["join", "chat: tea", "--name", "ann"]).room == "chat: tea"
    assert parse(["create", "chat://tea", "--name", "ann"]).room == "chat://tea"


def test_what_is_for_terminals_may_stand_before_the_command_and_after_it() -> None:
    assert parse(["--log", "a", "lobby", "--name", "ann"]).log == "a"
    assert parse(["lobby", "--name", "ann", "--log", "b", "--bell"]).log == "b"
    assert not parse(["lobby", "--name", "ann"]).bell


def test_a_sealed_room_has_a_new_key_and_an_invitation() -> None:
    given = parse(["create", "tea", "--name", "ann", "--sealed", "--server", "relay.example", "--tls"])
    assert given.key
    assert given.invite
    assert given.invite.link == f"chats://relay.example:9000/tea#k={given.key.text}"
    assert given.key.text not in repr(given)
    assert given.key != parse(["create", "tea", "--name", "ann", "--sealed"]).key
    assert parse(["create", "tea", "--name", "ann"]).invite is None
    with pytest.raises(SystemExit):
        parse(["join", "tea", "--name", "ann", "--sealed"])


@pytest.mark.requirement("SEAL-01")
def test_an_invitation_with_a_key_may_come_from_a_file_or_be_typed_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "link"
    file.write_text(f"{LINK}\nmore\n", encoding="utf-8-sig")
    monkeypatch.setattr(getpass, "getpass", lambda question: LINK if question.startswith("Invitation") else "")
    for command in (["join", "--link-file", str(file)], ["join"]):
        given = parse([*command, "--name", "bob"])
        assert (given.room, given.server, given.tls, given.invite) == ("tea", "relay.example:7", Tls(), None)
        assert given.key
        assert given.key.text == KEY
    assert capsys.readouterr().err == ""
    given = parse([LINK, "--name", "bob"])
    assert given.key
    warned = capsys.readouterr().err
    assert "use --link-file FILE" in warned
    assert KEY not in warned + repr(given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["join"], "Which room? Write its name"),
        (["join", "tea", "--link-file", "f"], "The file f has the invitation: omit the room"),
        (["join", "--link-file", "/nowhere"], "The file /nowhere with the invitation can't be read"),
        (["join", "--link-file", "/dev/null"], "The invitation is empty"),
        (["join", "--link-file", "FILE", "--server", "h"], "The invitation already names the relay"),
        (["create", "tea", "--link-file", "FILE"], "Unrecognized arguments: --link-file"),
        ([f"{LINK}&x=1"], "This is not an invitation: chats://relay.example:7/tea."),
        ([LINK[:-1]], "The key in the invitation is incomplete"),
    ],
)
def test_mistakes_about_invitations(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "link"
    file.write_text(LINK, encoding="utf-8")
    with pytest.raises(SystemExit):
        parse([str(file) if word == "FILE" else word for word in arguments] + ["--name", "ann"], terminal=False)
    err = capsys.readouterr().err
    assert words in err
    assert KEY[:-1] not in err


def test_a_file_that_is_no_text_has_no_invitation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "link"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SystemExit):
        parse(["join", "--link-file", str(file), "--name", "ann"])
    assert f"The file {file} isn't UTF-8: save it as UTF-8 text." in capsys.readouterr().err


def test_staying_is_for_filters() -> None:
    assert parse(["lobby", "--name", "ann", "--stay"]).plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "are required"),
        (["create"], "required: ROOM"),
        (["join", ""], "The room name is empty: give it at least one character."),
        (["dance"], "invalid choice: 'dance'"),
        (["lobby", "demo"], "Unrecognized arguments: demo"),
        (["join", "demo", "--name", ""], "The user name is empty"),
        (["join", "demo", "--name", "a:b"], "The user name has a colon: choose one without."),
        (["join", "demo", "--name", "a\x1b[2J"], "can't be shown"),
        (["join", "demo", "--name", "a\udcff"], "isn't UTF-8"),
        (["join", "x" * 256, "--name", "a"], "The room name has 256 bytes"),
        (["join", "demo", "--name", "a", "--server", "h:99999"], "'99999' in 'h:99999' is no port"),
        (["lobby", "--name", "a", "--server", "h:0"], "'0' in 'h:0' is no port: use a number from 1 to 65535."),
        (["join", "demo", "--name", "a", "--server", ""], "Enter the relay's address"),
        (["lobby", "--name", "a", "--tls"], "Unrecognized arguments: --tls"),
        (["join", "demo", "--name", "a", "--fingerprint", "12"], "'12' is no SHA-256 fingerprint"),
        (["join", "demo", "--name", "a", "--ca-file", "/nowhere"], "The file of authorities /nowhere can't be used"),
        (["join", "demo", "--name", "a", "--ca-file", "f", "--fingerprint", "12"], "not allowed with"),
        (["chat://h:1/room?x", "--name", "a"], "is not an invitation: "),
        (["chat://h:1/room", "--name", "a", "--server", "h"], "The invitation already names the relay"),
    ],
)
def test_mistakes(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments, terminal=False)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("chat: ")
    assert err.count("\n") == 1
    assert err.endswith(".\n")


def test_a_user_without_a_name_is_asked_for_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(SystemExit):
        parse(["lobby"])
    assert capsys.readouterr().err == "chat: Your user name is unknown: choose a name with --name NAME.\n"


def test_rooms_are_listed_of_a_relay_and_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: (_ for _ in ()).throw(OSError))  # no name is needed
    assert parse(["rooms"]) == Arguments("rooms", None, "", "127.0.0.1:9000", rejoin=False, plain=True, stay=False)
    given = parse(["rooms", "[::1]:7", "--tls", "--json"])
    assert (given.server, given.tls, given.as_json) == ("[::1]:7", Tls(), True)
