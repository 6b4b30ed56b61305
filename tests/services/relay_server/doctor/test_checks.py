"""All checks together, and what is said of the relay itself."""

from dataclasses import replace
from typing import Any

import pytest

from relay_server.doctor.checks import check_certificate, check_relay, examine
from relay_server.doctor.facts import CertificateFacts, Facts
from relay_server.doctor.findings import Mark
from services.relay_server.doctor.sound import RELAY, SOUND, make_settings, running

GOOD = CertificateFacts(names=("chat.example.org", "192.0.2.1"), until="2030-01-02", days_left=80)


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


@pytest.mark.parametrize(
    ("changes", "mark", "says"),
    [
        ({}, Mark.OK, "on, for chat.example.org, 192.0.2.1, until 2030-01-02."),
        ({"days_left": 13.4}, Mark.NOTE, "expires in 13 days"),
        ({"exposed_key": "/key.pem"}, Mark.PROBLEM, "can read the private key /key.pem"),
        ({"refusal": "It expired."}, Mark.PROBLEM, "It expired."),
    ],
)
def test_a_certificate_is_judged(changes: dict[str, Any], mark: Mark, says: str) -> None:
    finding = check_certificate(replace(SOUND, certificate=replace(GOOD, **changes)))
    assert finding.mark is mark
    assert says in finding.says


def test_a_relay_may_require_it() -> None:
    facts = replace(SOUND, certificate=GOOD, settings=make_settings(tls_required=True))
    assert check_certificate(facts).says.startswith("required, ")


def test_without_one_nothing_is_wrong_but_plain() -> None:
    finding = check_certificate(SOUND)
    assert (finding.mark, finding.says) == (Mark.OK, "off: passwords and tokens are sent unencrypted.")
