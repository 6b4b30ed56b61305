"""All checks together, and what is said of the relay itself."""

from dataclasses import replace

from relay_server.doctor.checks import check_relay, examine
from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Mark
from services.relay_server.doctor.sound import RELAY, SOUND, running


def test_a_sound_machine_has_no_problem_and_nothing_to_do() -> None:
    findings = list(examine(SOUND))
    assert [finding.check for finding in findings if finding.mark is not Mark.OK] == ["member_addresses"]
    assert all(finding.mark is not Mark.PROBLEM for finding in findings)


def test_a_relay_that_is_well_has_nothing_but_ok() -> None:
    findings = list(examine(running()))
    assert {finding.mark for finding in findings} == {Mark.OK}
    assert not any(finding.advice for finding in findings)


def test_each_check_is_there_once() -> None:
    names = [finding.check for finding in examine(SOUND)]
    assert len(names) == len(set(names)) == 17


def mark(facts: Facts) -> Mark:
    return check_relay(facts).mark


def test_what_is_said_of_the_relay() -> None:
    assert check_relay(SOUND).says.startswith("none runs here")
    assert "version 1.2.3" in check_relay(running()).says
    assert "12 members" in check_relay(running()).says
    assert mark(replace(SOUND, answers=True)) is Mark.NOTE
    assert mark(replace(SOUND, relay=RELAY)) is Mark.PROBLEM
