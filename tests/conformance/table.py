"""The table that ``make conformance`` prints: what became of each rule, and what was seen where one failed."""

import errno
import re
import socket
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final

import pytest

from conformance.plain import PATIENCE_SECONDS, NoAnswerError
from conformance.relays import Relay
from conformance.target import LEVELS, level_of, silence_seconds_of

_ABOUT: Final = {
    "text": "what the exercise's text demands",
    "robust": "what a careful relay does beyond it",
    "extension": "what this project adds",
}
_NOT_TRIED: Final = "not tried"
_UNANSWERED: Final = 3
"""The run ends after this number of consecutive requests without an answer."""
_TEXT_SECONDS: Final = 45.0
"""After this time no test of level ``text`` begins any more: with the last one, a run takes less than a minute."""
_WORDS_CHARACTERS: Final = 240
_UNREACHABLE: Final = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


@dataclass
class _Row:
    """The result of one rule on one level."""

    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    passed: int = 0

    def result(self) -> tuple[str, str]:
        """Return what became of the rule, and why."""
        if self.failed:
            more = f" (and {len(self.failed) - 1} more)" if len(self.failed) > 1 else ""
            return "failed", self.failed[0] + more
        if self.passed:
            return "passed", ""
        return ("not applicable", self.skipped[0]) if self.skipped else (_NOT_TRIED, "")


class Table:
    """A plugin of pytest that prints the table in place of failures at length."""

    def __init__(self, target: Relay, config: pytest.Config) -> None:
        self._target = target
        self._rows: dict[str, dict[str, _Row]] = {level: {} for level in LEVELS}
        self._where = f"{target.host}:{target.tcp_port}"
        # Of the tests that wait for a time-out the user knows how long they take.
        self._text_until = time.monotonic() + _TEXT_SECONDS + 3 * (silence_seconds_of(config) or 0)
        self._unanswered: list[BaseException] = []
        self._answered = False
        if config.option.tbstyle == "auto":  # who says --tb=short sees the failures too
            config.option.tbstyle = "no"
        config.option.reportchars = ""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Make a row for each rule that will be tried."""
        for item in session.items:
            for rule in rules_of(item):
                self._rows[level_of(item)].setdefault(rule, _Row())

    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if nextitem and level_of(nextitem) == "text" and time.monotonic() > self._text_until:
            item.session.shouldstop = f"{self._where} is slow: not all rules of text could be tried within a minute."

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        rows = [self._rows[level_of(item)][rule] for rule in rules_of(item)]
        if report.failed and call.excinfo:
            for row in rows:
                row.failed.append(in_words(item, call.excinfo.value))
            self._consider_giving_up(item, call.excinfo.value)
        elif report.skipped and call.excinfo:
            for row in rows:
                row.skipped.append(str(call.excinfo.value))
        elif report.when == "call":
            self._answered, self._unanswered = True, []
            for row in rows:
                row.passed += 1
        return report

    def _consider_giving_up(self, item: pytest.Item, error: BaseException) -> None:
        if isinstance(error, socket.gaierror):
            item.session.shouldstop = f"{self._target.host} can't be found: {error.strerror}."
        elif isinstance(error, OSError) and error.errno in _UNREACHABLE:
            more = "any more" if self._answered else "at all"
            item.session.shouldstop = f"{self._where} takes no TCP connections {more}: {error.strerror}."
        elif not isinstance(error, NoAnswerError):
            self._answered, self._unanswered = True, []
        elif error not in self._unanswered:  # what failed once for several tests is one failure
            self._unanswered.append(error)
            if len(self._unanswered) == _UNANSWERED:
                question = "" if self._answered else ": is a relay there?"
                item.session.shouldstop = (
                    f"{self._where} answered nothing to the last {_UNANSWERED} requests, "
                    f"within {PATIENCE_SECONDS:g} s each{question}"
                )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._answered:
            return
        for level, rows in self._rows.items():
            results = {rule: row.result() for rule, row in sorted(rows.items())}
            if not results:
                continue
            terminalreporter.write_line(f"\n{level}: {_ABOUT[level]}", bold=True)
            for rule, (result, why) in results.items():
                if result != _NOT_TRIED:
                    terminalreporter.write_line(f"  {rule:8} {result:15} {why}".rstrip())
            counts = Counter(result for result, _ in results.values())
            terminalreporter.write_line("  " + ", ".join(f"{count} {result}" for result, count in counts.items()))


def rules_of(item: pytest.Item) -> list[str]:
    """Return the rules that a test is about."""
    return list(dict.fromkeys(rule for mark in item.iter_markers("requirement") for rule in mark.args))


def in_words(item: pytest.Item, error: BaseException) -> str:
    """Say in one sentence what a test demanded and what was seen instead."""
    return f"{_sentence(item)}: {_seen(error)}"


def _sentence(item: pytest.Item) -> str:
    name = getattr(item, "originalname", item.name)
    return str(name).removeprefix("test_").replace("_", " ")


def _seen(error: BaseException) -> str:
    words = " ".join((str(error).strip().splitlines() or [""])[0].split())
    if isinstance(error, TimeoutError):
        return "expected an answer, saw none in time"
    if isinstance(error, AssertionError):
        if match := re.fullmatch(r"assert (.+) == (.+)", words):
            words = f"expected {match[2]}, saw {match[1]}"
        words = re.sub(r"^assert ", "expected ", words)
    elif match := re.fullmatch(r"not enough values to unpack \(expected(?: at least)? (\d+), got (\d+)\)", words):
        words = f"expected frames: {match[1]}, saw {match[2]}"
    else:
        words = f"{type(error).__name__}: {words}"
    return words if len(words) <= _WORDS_CHARACTERS else words[:_WORDS_CHARACTERS] + "..."
