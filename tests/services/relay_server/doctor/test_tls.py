"""The certificate, as the doctor sees it."""

from dataclasses import replace
from typing import Any

import pytest

from relay_server.doctor.facts import CertificateFacts
from relay_server.doctor.findings import Mark
from relay_server.doctor.tls import check_certificate
from services.relay_server.doctor.sound import SOUND, make_settings

GOOD = CertificateFacts(names=("chat.example.org", "192.0.2.1"), until="2030-01-02", days_left=80)


@pytest.mark.parametrize(
    ("changes", "mark", "says"),
    [
        ({}, Mark.OK, "on, for chat.example.org, 192.0.2.1, until 2030-01-02."),
        ({"days_left": 13.4}, Mark.NOTE, "ends in 13 days"),
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
    assert (finding.mark, finding.says) == (Mark.OK, "off: passwords and tokens travel in the clear.")
