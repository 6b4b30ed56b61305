"""The command line's mistakes: one sentence each, and the right exit code."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ports import free_ports
from relay_server import __version__
from relay_server.__main__ import main
from relay_server.built import BUILD
from relay_server.settings import Settings, variable
from services.relay_server.net.loopback import port_of
from services.relay_server.tls.certificates import issue
from services.relay_server.tls.certificates import settings as tls_settings

Result = tuple[int, str, str]
Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs a command line; it returns the exit code, stdout and stderr."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)

    def run(*arguments: str, **environ: str) -> Result:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["relay-server", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        assert isinstance(caught.value.code, int)
        return caught.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def busy_port() -> Iterator[int]:
    """Return a TCP port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield port_of(server)


def assert_one_sentence(result: Result, code: int = 2) -> str:
    """Check that a mistake is answered by one line on stderr alone; returns it."""
    exit_code, out, err = result
    assert (exit_code, out) == (code, "")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("run", "fast"),
        ("run", "--fast"),
        ("run", "--port", "9000"),
        ("config",),
        ("config", "sing"),
        ("config", "show", "--format", "xml"),
        ("doctor", "now"),
        ("doctor", "--yaml"),
        ("healthcheck", "--timeout", "soon"),
        ("healthcheck", "--timeout", "-1"),
        ("healthcheck", "--timeout", "0"),
        ("healthcheck", "--timeout", "nan"),
        ("healthcheck", "--timeout", "inf"),
        ("healthcheck", "--server"),
        ("healthcheck", "--server", ":::"),
        ("healthcheck", "--server", "relay:port"),
        ("healthcheck", "--server", "relay:70000"),
        ("admin",),
        ("admin", "dance"),
        ("admin", "members"),
        ("admin", "close"),
        ("admin", "close", "a", "b"),
        ("admin", "drain", "--seconds", "0"),
        ("admin", "drain", "--seconds", "soon"),
        ("admin", "drain", "--seconds", "1e9"),
        ("admin", "drain", "--seconds", "5", "--now"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_gets_one_sentence(command: Command, arguments: tuple[str, ...]) -> None:
    assert assert_one_sentence(command(*arguments)).startswith("relay-server: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("config", "check"),
        ("config", "show"),
        ("config", "env"),
        ("healthcheck",),
        ("doctor",),
        ("admin", "rooms"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_TCP_PROT", "9000"),
        ("RELAY_TCP_PORT", "http"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "nan"),
        ("RELAY_EVENT_LOOP", "trio"),
    ],
)
def test_wrong_settings_stop_every_command(command: Command, arguments: tuple[str, ...], name: str, value: str) -> None:
    assert assert_one_sentence(command(*arguments, **{name: value})).startswith(f"relay-server: {name} is ")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("admin.sock", "is 'admin.sock': use an absolute path, auto, or nothing."),
        ("", "is empty, which turns these commands off: give it a path, or auto."),
    ],
)
def test_a_socket_that_is_none_stops_the_command(command: Command, setting: str, says: str) -> None:
    line = assert_one_sentence(command("admin", "rooms", RELAY_ADMIN_SOCKET=setting))
    assert line == f"relay-server: RELAY_ADMIN_SOCKET {says}\n"


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_busy_port_stops_the_start(command: Command, busy_port: int, loop: str) -> None:
    line = assert_one_sentence(
        command("run", RELAY_HOST="127.0.0.1", RELAY_TCP_PORT=str(busy_port), RELAY_WEB_PORT="0", RELAY_EVENT_LOOP=loop)
    )
    assert f"TCP port {busy_port} on 127.0.0.1 is in use" in line


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "192.0.2.1"])
def test_a_host_that_is_none_of_ours_stops_the_start(command: Command, host: str) -> None:
    assert f" on {host} can't be listened on" in assert_one_sentence(command("run", RELAY_HOST=host))


@pytest.mark.parametrize("busy", ["RELAY_UDP_PORT", "RELAY_LOBBY_PORT", "RELAY_OPS_PORT"])
def test_whichever_port_is_busy_nothing_is_left_open(command: Command, busy: str) -> None:
    kind = socket.SOCK_STREAM if busy == "RELAY_OPS_PORT" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        names = ("RELAY_TCP_PORT", "RELAY_UDP_PORT", "RELAY_LOBBY_PORT")
        ports = {name: str(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
        environ = (
            {"RELAY_HOST": "127.0.0.1", "RELAY_OPS_PORT": "0", "RELAY_WEB_PORT": "0"}
            | ports
            | {busy: str(port_of(other))}
        )
        assert f" port {port_of(other)} " in assert_one_sentence(command("run", **environ))


def test_a_relay_that_is_not_there_is_unhealthy(command: Command) -> None:
    line = assert_one_sentence(command("healthcheck", "--server", f"127.0.0.1:{free_ports(1)[0]}", "--timeout", "5"), 1)
    assert line.startswith("unhealthy: ")


def test_a_relay_that_does_not_answer_is_unhealthy(command: Command, busy_port: int) -> None:
    line = assert_one_sentence(command("healthcheck", "--server", f"127.0.0.1:{busy_port}", "--timeout", "0.05"), 1)
    assert line == "unhealthy: no answer in time\n"


def test_the_version_is_told(command: Command) -> None:
    assert command("--version") == (0, f"relay-server {__version__} ({BUILD})\n", "")


def test_settings_that_can_be_used_are_approved(command: Command) -> None:
    assert command("config", "check", RELAY_TCP_PORT="7000") == (0, "The settings can be used.\n", "")


@pytest.mark.parametrize("arguments", [("run",), ("config", "check")], ids=" ".join)
def test_a_certificate_that_cannot_be_used_stops_the_start(
    command: Command, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    files = issue(tmp_path, days=-1)
    assert " expired on " in assert_one_sentence(command(*arguments, **tls_settings(files)))
    files.key.unlink()
    assert " can't be read (No such file" in assert_one_sentence(command(*arguments, **tls_settings(files)))


def test_a_certificate_that_can_be_used_is_approved(command: Command, tmp_path: Path) -> None:
    assert command("config", "check", **tls_settings(issue(tmp_path)))[0] == 0


def test_settings_are_shown_as_text(command: Command) -> None:
    code, out, err = command("config", "show", RELAY_TCP_PORT="7000")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["SETTING", "VALUE", "FROM"]
    assert ["RELAY_TCP_PORT", "7000", "environment"] in rows
    assert ["RELAY_UDP_PORT", "9001", "default"] in rows
    assert len(rows) == 1 + len(Settings.model_fields)


def test_settings_are_shown_as_json(command: Command) -> None:
    code, out, err = command("config", "show", "--format", "json", RELAY_TCP_PORT="7000")
    assert (code, err) == (0, "")
    by_name = {setting["name"]: setting for setting in json.loads(out)}
    assert (by_name["RELAY_TCP_PORT"]["value"], by_name["RELAY_TCP_PORT"]["source"]) == ("7000", "environment")
    assert by_name.keys() == {variable(name) for name in Settings.model_fields}


def test_settings_are_shown_as_markdown(command: Command) -> None:
    code, out, err = command("config", "show", "--format", "markdown")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 2 + len(Settings.model_fields)
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)


def test_an_env_file_to_start_from_is_written(command: Command) -> None:
    code, out, err = command("config", "env", RELAY_TCP_PORT="7000")
    assert (code, err) == (0, "")
    assert "\nRELAY_TCP_PORT=7000\n" in out
    assert "\n#RELAY_UDP_PORT=9001\n" in out


@pytest.mark.slow
def test_the_doctor_finds_a_busy_port(command: Command, busy_port: int) -> None:
    ports = {"RELAY_TCP_PORT": str(busy_port), "RELAY_UDP_PORT": str(free_ports(1)[0]), "RELAY_LOBBY_PORT": "0"}
    code, out, err = command(
        "doctor", "--json", RELAY_HOST="127.0.0.1", RELAY_OPS_PORT="0", RELAY_WEB_PORT="0", **ports
    )
    assert (code, err) == (1, "")
    marks = {finding["check"]: finding["mark"] for finding in json.loads(out)["findings"]}
    assert (marks["tcp_port"], marks["udp_port"], marks["ops_port"]) == ("problem", "ok", "note")
