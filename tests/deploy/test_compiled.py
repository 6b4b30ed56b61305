"""The compiled relay: what is compiled, what is said without a compiler, and that tests really run on it."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import compiling
from docs.markdown import ROOT, read
from relay_server.built import kind_of

SOURCES = ROOT / "services/relay-server/src/relay_server"
MODULES = [line for line in read("deploy/compiled/modules.txt").splitlines() if not line.startswith("#")]


def run(*arguments: str | Path, **variables: str) -> tuple[int, str, str]:
    """Run the program that compiles; return its exit code and what it says."""
    done = subprocess.run(
        [sys.executable, compiling.__file__, *arguments], env=os.environ | variables, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_what_is_compiled_is_there_and_listed_in_order() -> None:
    assert sorted(set(MODULES)) == MODULES
    assert all((SOURCES / module).is_file() for module in MODULES)


def test_without_a_compiler_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    code, out, error = run(tmp_path / "wheels", tmp_path / "work", CC="no-such-compiler -O2")
    assert (code, out) == (2, "")
    assert error == (
        "compiling: There is no C compiler (no-such-compiler): on Debian or Ubuntu, apt install gcc libc6-dev.\n"
    )
    assert not list(tmp_path.iterdir())


def test_without_pythons_headers_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", sys.executable)  # any program that is there
    sentence = f"Python's headers aren't in {tmp_path}: on Debian or Ubuntu, apt install python3-dev."
    assert compiling.missing(tmp_path) == sentence
    (tmp_path / "Python.h").touch()
    assert not compiling.missing(tmp_path)


def test_what_cant_be_compiled_is_shown_and_leaves_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "missing", lambda _: "")
    monkeypatch.setattr(sys, "argv", ["compiling", str(tmp_path / "wheels"), str(tmp_path / "work")])
    monkeypatch.setattr(compiling, "_BUILD", "raise SystemExit('no such thing')")
    with pytest.raises(SystemExit) as ended:
        compiling.main()
    assert ended.value.code == 1
    assert not list((tmp_path / "wheels").iterdir())
    assert (tmp_path / "work/relay_server/core/relay.py").is_file()


def test_a_module_is_told_apart_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"machine_code{EXTENSION_SUFFIXES[0]}").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert kind_of("machine_code") == "compiled"
    assert kind_of("relay_server.built") == kind_of("no_such_module") == "interpreted"


@pytest.mark.needs("compiled")
@pytest.mark.parametrize("module", MODULES)
def test_all_that_is_listed_is_compiled(module: str) -> None:
    name = "relay_server." + module.removesuffix(".py").replace("/", ".")
    assert kind_of(name) == "compiled"
    assert str(import_module(name).__file__).endswith(tuple(EXTENSION_SUFFIXES))


@pytest.mark.needs("compiled")
def test_programs_that_tests_start_are_compiled() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay_server", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith(" (compiled)\n")
