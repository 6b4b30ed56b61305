import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from messenger.desktop.form import Mode
from messenger.desktop.key_ring import KeyRing, key_ring
from messenger.desktop.theme import Theme
from services.messenger.desktop.sight import Sight


class FakeKeyring:
    def __init__(self, *, broken: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, name: str) -> Any:
        if self.broken:
            raise OSError
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        if self.broken:
            raise OSError
        self.kept[service, name] = password


def come_in_keeping(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    sight.window.start.form.password.setText("secret")
    sight.window.start.form.keep.setChecked(True)
    sight.go()


def test_the_key_ring_keeps_a_password_when_asked(theme: Theme, tmp_path: Path) -> None:
    keyring = FakeKeyring()
    sight = Sight(theme, tmp_path, KeyRing(keyring))
    come_in_keeping(sight)
    assert list(keyring.kept.values()) == ["secret"]
    sight.window.close()
    start = sight.open_window().start
    start.list.itemClicked.emit(start.list.item(0))
    assert start.form.password.text() == "secret"
    sight.end()


def test_a_key_ring_that_fails_spoils_nothing(theme: Theme, tmp_path: Path) -> None:
    sight = Sight(theme, tmp_path, KeyRing(FakeKeyring(broken=True)))
    come_in_keeping(sight)
    assert "The key ring couldn't store the password." in sight.text
    start = sight.open_window().start
    start.list.itemClicked.emit(start.list.item(0))
    assert start.form.password.text() == ""
    sight.end()


def test_without_a_key_ring_nothing_is_offered(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    assert not sight.window.start.form.keep.isVisible()


@pytest.mark.parametrize(("priority", "there"), [(1, True), (0.5, True), (0, False), (-1, False), (None, False)])
def test_only_a_key_ring_that_keeps_secrets_is_one(
    monkeypatch: pytest.MonkeyPatch, priority: float | None, there: bool
) -> None:
    library = SimpleNamespace(get_keyring=lambda: SimpleNamespace(priority=priority))
    monkeypatch.setitem(sys.modules, "keyring", library)
    assert (key_ring() is not None) is there
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert key_ring() is None
