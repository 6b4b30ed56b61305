"""What is remembered of an attempt is forgotten in time (RES-02)."""

import pytest

from relay_server.core.attempts import REMEMBERED_SECONDS, Attempts

pytestmark = pytest.mark.requirement("RES-02")


def test_each_result_is_forgotten_in_time_though_an_earlier_one_was_remembered_anew() -> None:
    attempts = Attempts[str]()
    attempts.remember("ann", "at work", 0.0)
    attempts.remember("bob", "done", 1.0)
    attempts.remember("ann", "done", 20.0)
    now = 1.0 + REMEMBERED_SECONDS
    assert attempts.get("bob", now) is None
    assert attempts.get("ann", now) == "done"
    assert attempts.count(now) == 1
    assert attempts.count(20.0 + REMEMBERED_SECONDS) == 0
