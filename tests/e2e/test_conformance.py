"""`make conformance` tests any relay, and prints the results in a table."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.relays import CommonRelays
from ports import free_ports

ROOT = Path(__file__).parents[2]
EXERCISE_RELAY = ROOT / "tests/conformance/exercise_relay.py"
SILENCE_SECONDS = 1.0
RESULT = re.compile(r"^  ([A-Z]+-\d\d) +(passed|failed|not applicable)(?: +(.+))?$", re.MULTILINE)

Start = Callable[[str], str]


def conformance(**variables: object) -> subprocess.CompletedProcess[str]:
    """Run `make conformance`, within the Python that runs this."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "MAKE", "MFLAGS")) and name not in {"LEVEL", "FORM", "UDP", "LOBBY"}
    }
    stamp = Path(sys.prefix) / "dev.stamp"
    command = ["make", f"VENV={sys.prefix}", f"--old-file={stamp}", "conformance"]
    words = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        [*command, *words], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=55, check=False
    )


def results(said: str, level: str) -> dict[str, tuple[str, str]]:
    """Return the table's rows of one level: what became of each rule, and why."""
    (section,) = re.findall(rf"^{level}: .+\n((?:  .+\n)+)", said, re.MULTILINE)
    return {rule: (result, why) for rule, result, why in RESULT.findall(section)}


@pytest.fixture
def start_exercise(tmp_path: Path) -> Iterator[Start]:
    """Start relays that know the exercise's text only, from a source such as theirs; returns what TARGET is to be."""
    processes = []

    def start(source: str) -> str:
        program = tmp_path / "relay.py"
        program.write_text(source, encoding="utf-8")
        ports = [str(port) for port in free_ports(3)]
        process = subprocess.Popen(
            [sys.executable, str(program), *ports, str(SILENCE_SECONDS)], stdout=subprocess.PIPE, encoding="utf-8"
        )
        processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return ":".join(["127.0.0.1", *ports])

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_relay_that_knows_the_exercises_text_only_passes_all_of_text(start_exercise: Start) -> None:
    target = start_exercise(EXERCISE_RELAY.read_text(encoding="utf-8"))
    run = conformance(TARGET=target, LEVEL="text", SILENCE=SILENCE_SECONDS)
    assert {result for result, _ in results(run.stdout, "text").values()} == {"passed"}, run.stdout
    assert "\nrobust: " not in run.stdout
    assert run.returncode == 0


# What is changed in that relay, and what the table then says of which rule.
@pytest.mark.parametrize(
    ("there", "instead", "rule", "seen"),
    [
        ("other != token and ", "", "UDP-04", r"the sender gets no copy: expected nothing, saw 'word-\w+'"),
        (
            'name, b"200" if possible else b"400")',
            'name, b"")\n        return',
            "TCP-07",
            "a create returns a status and then a token: expected operation 1 in state 1, then in state 2, saw .+",
        ),
    ],
    ids=["the sender hears itself", "no token comes"],
)
def test_what_was_seen_of_a_rule_that_is_broken_is_said_in_a_sentence(
    start_exercise: Start, there: str, instead: str, rule: str, seen: str
) -> None:
    source = EXERCISE_RELAY.read_text(encoding="utf-8")
    assert there in source
    run = conformance(TARGET=start_exercise(source.replace(there, instead)), LEVEL="text")
    result, why = results(run.stdout, "text")[rule]
    assert result == "failed", run.stdout
    assert re.fullmatch(seen, why), why
    assert "conformance] Error 1" in run.stderr


def test_our_own_relay_passes_without_being_told_anything_of_it(common_relays: CommonRelays) -> None:
    relay = common_relays.get().relay
    run = conformance(TARGET=f"{relay.host}:{relay.tcp_port}", LEVEL="text", FORM="json")
    untold = ("not applicable", "say SILENCE=SECONDS, after which the relay removes who says nothing")
    found = results(run.stdout, "text")
    assert {rule for rule, result in found.items() if result == untold} == {
        "ROOM-01", "EVI-01", "EVI-02", "EVI-04", "LOB-04"
    }  # fmt: skip
    assert {result for result in found.values() if result != untold} == {("passed", "")}, run.stdout
    assert run.returncode == 0


@pytest.mark.parametrize(
    ("level", "tried"),
    [("text", {"text"}), ("robust", {"text", "robust"}), ("extension", {"text", "robust", "limits"})],
)
def test_a_level_includes_those_below_it(level: str, tried: set[str]) -> None:
    names = [f"tests/conformance/test_{name}.py" for name in ("limits", "robust_messages", "text_messages")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--level", level, *names]
    collected = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert set(re.findall(r"^tests/conformance/test_([a-z]+)", collected, re.MULTILINE)) == tried


def test_it_gives_up_on_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        run = conformance(TARGET=target)
    assert f"{target} answered nothing to the last 3 requests, within 2 s each: is a relay there?" in run.stdout
    assert not RESULT.search(run.stdout)
    assert "conformance] Error 2" in run.stderr


def test_it_gives_up_on_a_closed_port() -> None:
    target = f"127.0.0.1:{free_ports(1)[0]}"
    run = conformance(TARGET=target)
    assert f"{target} takes no TCP connections at all: Connection refused." in run.stdout
    assert not RESULT.search(run.stdout)
    assert "conformance] Error 2" in run.stderr


@pytest.mark.parametrize("target", ["", "127.0.0.1", "127.0.0.1:0"])
def test_an_invalid_target_gets_one_sentence(target: str) -> None:
    run = conformance(TARGET=target)
    assert run.stderr.startswith(f"ERROR: Say TARGET=HOST:PORT, such as TARGET=127.0.0.1:9000; {target!r} is no such")
    assert run.returncode == 2


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("LEVEL", "txt", "LEVEL is 'txt': use text, robust or extension."),
        ("FORM", "xml", "FORM is 'xml': use plain or json."),
        ("UDP", "0", "UDP is '0': use a port from 1 to 65535."),
        ("LOBBY", "lobby", "LOBBY is 'lobby': use a port from 1 to 65535."),
        ("SILENCE", "-1", "SILENCE is '-1': use a number of seconds above 0."),
    ],
)
def test_an_invalid_variable_gets_one_sentence(variable: str, value: str, sentence: str) -> None:
    run = conformance(TARGET="127.0.0.1:1", **{variable: value})
    assert run.stderr.startswith(f"ERROR: {sentence}\n")
    assert "usage" not in run.stderr
    assert run.returncode == 2
