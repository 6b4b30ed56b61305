"""The words after ``relay-server admin``; loaded with every command, so it loads nothing."""

import argparse
from collections.abc import Callable
from typing import Any


def add_parser(commands: Any, seconds: Callable[[str], float]) -> None:
    """Add ``admin`` to the commands; ``seconds`` reads a duration."""
    admin = commands.add_parser("admin", help="look after the relay that runs on this machine")
    actions = admin.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str, *words: str) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, help=text)
        for word in words:
            action.add_argument(word, metavar=word.upper(), type=_text)
        action.add_argument("--json", action="store_true", help="for programs")
        return action

    add("rooms", "list the rooms")
    add("members", "list the members of a room", "room")
    add("bans", "list whom a room doesn't let in", "room")
    add("kick", "take a member out of a room; a host's room closes", "room", "name")
    add("ban", "take a member out and keep it out, by name and by address", "room", "name")
    add("unban", "lift a ban", "room", "name")
    add("close", "close a room: its host is kicked", "room")
    drain = add(
        "drain", "let nobody in any more, and end the relay when the last one has left"
    ).add_mutually_exclusive_group()
    drain.add_argument("--seconds", type=seconds, metavar="SECONDS", help="end it then, whoever is still there")
    drain.add_argument("--now", action="store_true", help="end it at once, as SIGTERM does")


def _text(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{word!a} isn't UTF-8") from None
    return word
