"""``chat-desktop`` and a relay that wants it to hang, or to fill its memory."""

import threading
import time

import pytest

from e2e.hostile import HostileRelay
from e2e.test_chat_desktop import Windows, windows
from e2e.test_hostile_relay import ENOUGH, FLOODS, Flood, relay

__all__ = ["relay", "windows"]  # others' fixtures

pytestmark = [pytest.mark.needs("desktop"), pytest.mark.timeout(300)]


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_under_a_flood_the_window_takes_what_is_typed_and_closes(
    windows: Windows, relay: HostileRelay, flood: Flood
) -> None:
    from PySide6.QtCore import Qt  # noqa: PLC0415 - Qt may be missing
    from PySide6.QtTest import QTest  # noqa: PLC0415 - as above

    from e2e.desktop_window import wait_until  # noqa: PLC0415 - as above
    from messenger.core.history import MAX_CHARACTERS, MAX_LINES  # noqa: PLC0415 - as above
    from messenger.core.roster import MAX_PEOPLE  # noqa: PLC0415 - as above
    from messenger.desktop.form import Mode  # noqa: PLC0415 - as above

    onlooker = windows()
    onlooker.enter(Mode.JOIN, relay.server, "demo", "bob")
    client = relay.await_client()
    conversation, words = onlooker.window.current, onlooker.window.chat.composer.words
    assert conversation
    hearing = threading.Thread(target=lambda: relay.hears("still here"))
    hearing.start()  # from now on, or answers to the flood would leave no room for what is typed
    with relay.flood(flood(), client):
        wait_until(lambda: relay.sent > ENOUGH, lambda: f"{relay.sent} datagrams")
        began = time.perf_counter()
        QTest.keyClicks(words, "still here")
        QTest.keyClick(words, Qt.Key.Key_Return)
        wait_until(lambda: not hearing.is_alive(), lambda: onlooker.text[-500:])
        onlooker.window.render_all()
        print(f"heard and drawn after {time.perf_counter() - began:.2f} s")
        lines = conversation.history.since(0)
        assert len(conversation.roster.people) == len(onlooker.members) <= MAX_PEOPLE
        assert len(lines) <= MAX_LINES
        assert sum(line.characters for line in lines) <= MAX_CHARACTERS
        onlooker.closes()
    assert conversation.ended
