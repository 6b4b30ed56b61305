"""The command line's mistakes: one sentence on the standard error, and exit code 2."""

import os

import pytest

from bot_client.__main__ import WRONG_INPUT, main


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ((), {}, "required: COMMAND"),
        (("dance",), {}, "invalid choice: 'dance'"),
        (("run", "--no-such"), {}, "unrecognized arguments: --no-such"),
        (("run", "--serv", "x"), {}, "unrecognized arguments: --serv x"),
        (("run", "--rate", "fast"), {}, "--rate can't be 'fast'"),
        (("run",), {"BOT_RATE": "fast"}, "BOT_RATE can't be 'fast'"),
        (("demo",), {"BOT_SERVRE": "x"}, "BOT_SERVRE is not a setting of bot-client"),
        (("check", "none.yaml"), {}, "none.yaml can't be read"),
        (("run", "--scenario", "none.yaml"), {}, "none.yaml can't be read"),
        (("run", "--metrics-port", "9", "--metrics-host", "192.0.2.1"), {}, "can't be served on 192.0.2.1:9"),
    ],
)
def test_mistakes_get_one_sentence(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.upper().startswith("BOT_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert code_of(*arguments) == WRONG_INPUT
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert message in said.err


def test_what_can_be_played_is_listed_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("list") == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["chatter", "cluster", "demo", "load", "probe"]
    for name in names:
        assert code_of("check", name) == 0
        assert f"{name} can be played: " in capsys.readouterr().out
    assert code_of("check", "load", "--rooms", "3", "--members", "5") == 0
    assert "load can be played: 15 bots, 3 rooms.\n" in capsys.readouterr().out


def code_of(*arguments: str) -> int:
    """Run the command; returns its exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
