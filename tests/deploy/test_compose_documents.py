"""Every `docker compose` that a document tells people to type names files, profiles, services and scenarios of ours."""

import argparse
import re
import shlex
from typing import Any

import pytest

from deploy.compose import BASE, PUBLIC, configured
from docs.markdown import NAMES, ROOT, read

# Options that take a value, of Compose itself and of its commands.
OF_COMPOSE = ("--file", "--env-file", "--profile", "--project-name")
OF_COMMANDS = ("--scale", "--tail", "--since", "--timeout", "--index")
ONE_SERVICE = {"exec", "run"}
"""Commands that take one service and then another program's words."""


def told() -> list[Any]:
    return [
        pytest.param(shlex.split(command, comments=True), id=f"{name}: {command.strip()}")
        for name in NAMES
        for command in re.findall(r"docker compose ([^`\n|]+)", read(name))
    ]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    for option in OF_COMPOSE:
        made.add_argument(option, *(["-f"] if option == "--file" else []), action="append", default=[])
    made.add_argument("words", nargs=argparse.REMAINDER)
    return made


def services_in(words: list[str]) -> list[str]:
    """Return the services that a command with its options and arguments names."""
    command, *rest = words
    named, last = [], ""
    for word in rest:
        if last == "--scale":
            named.append(word.partition("=")[0])
        elif not word.startswith("-") and last not in OF_COMMANDS:
            named.append(word)
            if command in ONE_SERVICE:
                break
        last = word
    return named


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = configured(BASE, PUBLIC, environment={"CHAT_DOMAIN": "chat.example.org"})["services"]
    return found


def test_some_are_told() -> None:
    assert len(told()) > 3


@pytest.mark.parametrize("words", told())
def test_it_can_be_done(words: list[str], services: dict[str, Any]) -> None:
    given = parser().parse_args(words)
    for path in (*given.file, *(path for path in given.env_file if path != ".env")):
        assert (ROOT / path).is_file(), path
    profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
    assert set(given.profile) <= profiles | {"grafana"}
    assert set(services_in(given.words)) <= services.keys()
