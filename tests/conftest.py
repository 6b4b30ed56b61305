"""What a test needs beside Python: it is skipped where that is missing, and fails where it must be there.

`@pytest.mark.needs("docker")` marks a test (or a module's `pytestmark`). CHAT_REQUIRE=docker,prometheus turns the
skips for these into failures: continuous integration says so, for it brings them.
"""

import gc
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from conformance.relays import CommonRelays
from libfaketime import find_libfaketime
from messenger.desktop.loading import find_fault
from own_systemd import SYSTEMD
from relay_server.built import BUILD

# How long an example takes says something of the machine, nothing of the program.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

BUNDLE: Final = Path(__file__).parents[1] / "dist/chat-desktop"
"""What `make desktop-bundle` yields."""

AXE: Final = Path(__file__).parents[1] / "services/web-client/node_modules/axe-core/axe.min.js"
"""What finds faults that keep people with disabilities from using a page; `make web-check` installs it."""

FORGETTING_DOCKER: Final = (23, 0)
"""From this version on the engine lets the kernel forget where datagrams to published ports went before."""

_ANSWER_SECONDS = 20.0
_FIGURE = "figure"


def _succeeds(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False


def _installed(*programs: str) -> bool:
    return all(map(shutil.which, programs))


def _docker_version() -> tuple[int, ...]:
    """Return the engine's major and minor version; nothing if none answers."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


# How one sees that it is there, and what to say if it isn't.
_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (
        lambda: all(_succeeds("docker", *words) for words in (["info"], ["compose", "version"], ["buildx", "version"])),
        "no Docker engine with Compose and buildx answers: `sudo deploy/airgap/engine.sh` brings one",
    ),
    "prometheus": (
        lambda: _installed("prometheus", "promtool"),
        "prometheus and promtool are missing: `sudo deploy/airgap/test-tools.sh` installs them",
    ),
    "systemd": (
        lambda: _installed("systemd-analyze"),
        "systemd-analyze is missing: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "services": (
        lambda: (
            SYSTEMD.exists()
            and _installed("systemctl", "nsenter")
            and _succeeds("unshare", "--mount", "mount", "-t", "cgroup2", "cgroup2", "/mnt")
        ),
        "only root can run a systemd for a test, with control groups: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "nftables": (
        lambda: _installed("nft", "ip") and os.geteuid() == 0,
        "only root can try firewall rules, with nft and ip: `sudo deploy/airgap/test-tools.sh` installs them",
    ),
    "namespaces": (
        lambda: _installed("ip", "unshare") and os.geteuid() == 0,
        "only Linux's root makes networks of its own, with the program ip (iproute2)",
    ),
    "dbus": (
        lambda: _installed("dbus-daemon"),
        "dbus-daemon is missing: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "faketime": (
        lambda: bool(find_libfaketime()),
        "libfaketime is missing: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "cloud-init": (
        lambda: _installed("cloud-init"),
        "cloud-init is missing: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "atheris": (
        lambda: importlib.util.find_spec("atheris") is not None,
        "atheris, which guides the fuzzing, is there for Linux on x86-64 and Python up to 3.13 only",
    ),
    "desktop": (
        lambda: not find_fault(),
        "Qt lacks libraries of the system: `sudo deploy/airgap/test-tools.sh` installs them",
    ),
    "desktop-files": (
        lambda: _installed("desktop-file-validate", "update-desktop-database"),
        "desktop-file-utils are missing: `sudo deploy/airgap/test-tools.sh` installs them",
    ),
    "x11": (
        lambda: _installed("Xvfb", "xdotool"),
        "Xvfb and xdotool, a screen that nobody sees, are missing: `sudo deploy/airgap/test-tools.sh` installs them",
    ),
    "chromium": (
        lambda: _installed("chromium"),
        "chromium, a browser, is missing: `sudo deploy/airgap/test-tools.sh` installs it",
    ),
    "axe": (
        AXE.is_file,
        "axe-core is missing: with Node 20 or newer, `make web-check` installs it",
    ),
    "docker-23": (
        lambda: _docker_version() >= FORGETTING_DOCKER,
        "Docker before 23.0 lets the kernel send datagrams to where an old container was (docs/operations.md)",
    ),
    "interpreted": (
        lambda: BUILD == "interpreted",
        "the relay is compiled here, and changing its code is of no effect: `make test` runs these on the sources",
    ),
    "compiled": (
        lambda: BUILD == "compiled",
        "the relay is interpreted here: `make test-compiled` compiles it and runs these tests",
    ),
    "bundle": (
        (BUNDLE / "licences").is_dir,  # which comes last
        "there is no dist/chat-desktop: `make desktop-bundle` builds it and runs these tests",
    ),
}


@cache
def _is_there(need: str) -> bool:
    return _NEEDS[need][0]()


def _required() -> set[str]:
    return set(filter(None, os.environ.get("CHAT_REQUIRE", "").split(",")))


def pytest_configure(config: pytest.Config) -> None:
    for variable in ("LANGUAGE", "LC_MESSAGES", "LANG"):  # the programs speak English to tests, wherever they run
        os.environ.pop(variable, None)
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes start: what one compiled is for all
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So a shell starts what runs in the background, and programs under test would inherit it and ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "needs(*what): skip the test where this is missing; see tests/conftest.py")
    if unknown := _required() - _NEEDS.keys():
        raise pytest.UsageError(f"CHAT_REQUIRE: say some of {','.join(_NEEDS)}, not {','.join(sorted(unknown))}.")


@pytest.hookimpl(trylast=True)  # after Hypothesis has marked what is its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count coverage by tests that do the same each time: not by luck, and at twice the speed of what isn't counted."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True, trylast=True)  # within pytest-cov's own
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Count nothing indeed: in a worker of pytest-xdist, pytest-cov counts twice and pauses only one of the two."""
    if not item.get_closest_marker("no_cover"):
        return (yield)
    counting = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(counting)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare garbage collections all that is there until the end: modules and the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before fixtures, which would fail for want of the same
def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in dict.fromkeys(need for mark in item.iter_markers("needs") for need in mark.args):
        if _is_there(need):
            continue
        reason = _NEEDS[need][1]
        if need in _required():
            pytest.fail(f"CHAT_REQUIRE={need}, but {reason}", pytrace=False)
        pytest.skip(reason)


Figures = Callable[[str], None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Return what takes a line with a measured figure: all of them are printed when the tests are over."""
    return lambda line: record_property(_FIGURE, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    told = [
        (report.nodeid, value) for report in reports for name, value in report.user_properties if name == _FIGURE
    ]  # each report of a test repeats those of the one before
    if told:
        terminalreporter.section("figures")
    for test, line in dict.fromkeys(told):
        terminalreporter.write_line(f"{test.partition('::')[2]}: {line}")


@pytest.fixture(scope="session")
def common_relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommonRelays]:
    """Have relays for whoever needs no relay of its own; rooms are each test's own."""
    relays = CommonRelays(lambda: tmp_path_factory.mktemp("relay") / "log")
    yield relays
    relays.end()
