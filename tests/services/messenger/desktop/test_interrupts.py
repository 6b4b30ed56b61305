import os
import signal

import pytest
from pytestqt.qtbot import QtBot

from messenger.desktop.interrupts import Interrupts


@pytest.mark.skipif(os.name != "posix", reason="other systems don't send themselves signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_in_the_loop_and_not_after_the_end(qtbot: QtBot, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    heard: list[None] = []
    interrupts = Interrupts(lambda: heard.append(None))
    try:
        os.kill(os.getpid(), number)
        qtbot.waitUntil(lambda: len(heard) == 1, timeout=20_000)
    finally:
        interrupts.end()
    assert signal.getsignal(number) is before
