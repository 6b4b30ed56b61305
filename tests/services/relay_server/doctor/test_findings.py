"""Findings as text and as JSON."""

import json

from relay_server.doctor.findings import WIDTH, Finding, Mark, as_json, as_text, is_well

FINDINGS = [
    Finding("relay", Mark.OK, "none runs here."),
    Finding("open_files", Mark.NOTE, "few.", "Raise the limit."),
    Finding("udp_port", Mark.PROBLEM, "taken.", "word " * 40),
]


def test_a_line_for_each_with_the_advice_below() -> None:
    lines = as_text(FINDINGS, colour=False).splitlines()
    assert lines[:3] == ["ok       relay: none runs here.", "note     open files: few.", "         Raise the limit."]
    assert lines[3] == "problem  udp port: taken."
    assert lines[-2:] == ["", "1 problem, 1 note."]
    assert all(line.startswith(" " * 9) and len(line) <= WIDTH for line in lines[4:-2])


def test_the_sum_of_it_all() -> None:
    assert as_text(FINDINGS[:1], colour=False).endswith("\n\nNo problems, no notes.\n")
    assert as_text(FINDINGS[1:] * 2, colour=False).endswith("\n\n2 problems, 2 notes.\n")


def test_colour_for_the_marks_alone() -> None:
    first, *_ = as_text(FINDINGS, colour=True).splitlines()
    assert first == "\033[32mok      \033[0m relay: none runs here."
    assert "\033" not in as_text(FINDINGS, colour=False)


def test_json_has_all_of_it() -> None:
    document = json.loads(as_json(FINDINGS))
    assert document["ok"] is False
    assert document["findings"][1] == {
        "check": "open_files",
        "mark": "note",
        "says": "few.",
        "advice": "Raise the limit.",
    }
    assert json.loads(as_json(FINDINGS[:2]))["ok"] is True


def test_notes_are_no_problem() -> None:
    assert is_well(FINDINGS[:2])
    assert not is_well(FINDINGS)
