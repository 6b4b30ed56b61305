"""Keys and what they do: a key with a wrong name, or for what nobody does, would say nothing when it is pressed."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

import messenger.terminal
from messenger.terminal.app import ChatApp
from messenger.terminal.room_screen import RoomScreen

NAMES = {key.value for key in Keys}
PARTS = {"ctrl", "alt", "shift"}


def bindings() -> Iterator[tuple[type[DOMNode], Binding]]:
    for module in pkgutil.iter_modules(messenger.terminal.__path__, "messenger.terminal."):
        for owner in vars(import_module(module.name)).values():
            if isinstance(owner, type) and owner.__module__ == module.name and issubclass(owner, DOMNode):
                yield from ((owner, each) for each in vars(owner).get("BINDINGS", ()))


@pytest.mark.parametrize(("owner", "binding"), list(bindings()))
def test_each_key_has_a_name_and_something_to_do(owner: type[DOMNode], binding: Binding) -> None:
    for key in binding.key.split(","):
        *held, pressed = key.split("+")
        assert set(held) <= PARTS
        assert pressed in NAMES or len(pressed) == 1
    place, name, arguments = parse(binding.action)
    does = getattr({"app": ChatApp, "screen": RoomScreen}.get(place, owner), f"action_{name}")
    inspect.signature(does).bind(None, *arguments)


def test_there_are_such_keys() -> None:
    assert len(list(bindings())) > 30
