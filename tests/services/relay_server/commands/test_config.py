"""Settings as people read them."""

from pathlib import Path

import pytest

from relay_server.commands.config import as_env_file, as_markdown, as_text
from relay_server.described import Described, describe
from relay_server.settings import load_settings


def one(name: str = "RELAY_X", value: str = "1", default: str = "1") -> Described:
    return Described(
        name=name, value=value, default=default, source="default", bounds="0 to 9", description="What x is"
    )


def test_text_stands_in_columns() -> None:
    text = as_text([one(), one("RELAY_LONGER", "12345", "1")])
    assert text == (
        "SETTING       VALUE  FROM\n"
        "RELAY_X       1      default\n"
        "RELAY_LONGER  12345  default\n"
    )  # fmt: skip


def test_markdown_is_a_table() -> None:
    assert as_markdown([one()]).splitlines() == [
        "| variable | default | bounds | meaning |",
        "| --- | --- | --- | --- |",
        "| `RELAY_X` | `1` | 0 to 9 | What x is |",
    ]


def test_an_env_file_sets_only_what_differs_from_the_default() -> None:
    assert as_env_file([one(), one("RELAY_Y", "2", "1")]) == "# What x is\n#RELAY_X=1\n\n# What x is\nRELAY_Y=2\n"


def test_an_env_file_of_defaults_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELAY_TCP_PORT", raising=False)
    lines = as_env_file(describe(load_settings(secrets_dir=Path("/nowhere")))).splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    assert "#RELAY_TCP_PORT=9000" in lines
    assert max(map(len, lines)) <= 110
