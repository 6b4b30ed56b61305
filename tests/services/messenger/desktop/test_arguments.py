from pathlib import Path

import pytest

from chatbrain import Transport
from messenger.core.invite import Invite, parse_invite
from messenger.desktop.arguments import Arguments, parse


def test_nothing_needs_to_be_given() -> None:
    assert parse([]) == Arguments()


def test_an_invitation_a_name_and_a_log_are_taken() -> None:
    link = "chats://relay.example/demo"
    assert parse([link, "--name", "ann", "--log", "chat.log"]) == Arguments(parse_invite(link), "ann", Path("chat.log"))
    assert isinstance(parse([link]).invite, Invite)
    assert parse(["--transport", "stream"]) == Arguments(transport=Transport.STREAM)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["http://example.org"], "is not an invitation: "),
        (["chat://host:port/room"], "no port"),
        (["--name", "a:b"], "colon"),
        (["--name", "a\udcff"], "UTF-8"),
        (["--loud"], "--loud"),
        (["--transport", "pigeon"], "pigeon"),
    ],
)
def test_what_is_wrong_gets_one_sentence(capsys: pytest.CaptureFixture[str], given: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(given)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("chat-desktop: ")
    assert error.count("\n") == 1
