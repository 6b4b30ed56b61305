"""The demo on a real relay of its own: it shows all that it promises, and ends by itself."""

import re
import socket
from pathlib import Path

import pytest

from bot_client.demo import _Gauge
from bot_client.metrics import RelayFigures
from e2e import here


def test_the_demo_shows_what_a_relay_does_and_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    # The user's own relay is no business of the demo's, nor how bots join others.
    monkeypatch.setenv("RELAY_TCP_PORT", "not a port")
    done = here.bot_client("demo", "--speed", "5", BOT_TLS="true")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "\x1b" not in done.stdout
    for part in (
        "[Harbour café] Hana: Hello!",
        "[茶室] さくら: こんにちは",
        "[lobby] Amal: مرحبا",
        "[茶室] * Rui is evicted (silence)",
        "[茶室] Rui: I'm back!",
        "[Harbour café] * Hana leaves: the host is gone, so the room closes",
        "[Harbour café] * Tomás is out: the host left",
        "[Harbour café] * Leo is refused: There is no room of this name",
        "[lobby] Leo: Too late",
    ):
        assert part in done.stdout
    assert " ~" not in done.stdout
    assert re.search(r"said +[1-9]\d* messages in \d+ s", done.stdout)
    assert re.search(r"latency +\S+ \S+ \(median\), \S+ \S+ \(99 of 100\)", done.stdout)
    assert re.search(r"refused +1 no such room", done.stdout)
    assert re.search(r"delivered +[1-9]\d* copies; 0 lost, 0 duplicated", done.stdout)
    assert re.search(r"evicted +2 host left, 1 silence", done.stdout)
    assert re.search(r"rooms closed +1 host left", done.stdout)
    found = re.search(r"on 127\.0\.0\.1:(\d+)", done.stdout)
    assert found
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(found[1])))


def test_a_relay_that_does_not_start_gets_one_sentence(tmp_path: Path) -> None:
    package = tmp_path / "relay_server"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('The moon is in the wrong phase.')\n")
    done = here.bot_client("demo", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "The relay didn't start: The moon is in the wrong phase.\n"


def test_the_demo_can_visit_a_relay_that_runs_already() -> None:
    done = here.bot_client("demo", "--server", "127.0.0.1:1", "--patience-seconds", "0.1")
    assert done.returncode == 1
    assert "through the relay on 127.0.0.1:1" in done.stdout
    assert "No relay answers at 127.0.0.1:1" in done.stderr


def test_rates_are_what_was_counted_between_two_looks_at_the_relay() -> None:
    def figures(received: int, sent: int) -> RelayFigures:
        return RelayFigures(1, 2, 0, received, sent, {}, {})

    gauge = _Gauge()
    gauge.take(figures(100, 200), 10.0)
    assert (gauge.rate_in, gauge.rate_out) == (0, 0)
    gauge.take(figures(110, 240), 12.0)
    gauge.take(figures(110, 240), 12.0)
    assert (gauge.rate_in, gauge.rate_out) == (5, 20)
    assert gauge.figures == figures(110, 240)
