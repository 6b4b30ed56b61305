"""Files of settings are read as systemd reads them, and what is no setting is told with its line."""

from pathlib import Path

import pytest

from relay_server.operator.environment import read_environment
from relay_server.settings import SettingsError


def test_names_and_values_are_read(tmp_path: Path) -> None:
    file = tmp_path / "relay.env"
    file.write_text(
        "# a comment\n; another\n\n  RELAY_HOST=::\nRELAY_A = no\n".replace("RELAY_A = no\n", "")
        + 'RELAY_NAME=\'an \\"example\\"\'\nRELAY_TOPIC="say \\"hello\\" \\\\ \\$5"\nRELAY_EMPTY=\nRELAY_URL=a=b # c\n'
    )
    assert read_environment(file) == {
        "RELAY_HOST": "::",
        "RELAY_NAME": 'an \\"example\\"',
        "RELAY_TOPIC": 'say "hello" \\ $5',
        "RELAY_EMPTY": "",
        "RELAY_URL": "a=b # c",
    }


@pytest.mark.parametrize("line", ["RELAY_HOST", "export RELAY_HOST=::", "1A=b", "RELAY_HOST=a\\", "RELAY HOST=a"])
def test_a_line_that_is_none_is_told(tmp_path: Path, line: str) -> None:
    file = tmp_path / "relay.env"
    file.write_text(f"RELAY_HOST=::\n{line}\n")
    with pytest.raises(SettingsError, match=r"relay.env, line 2: this is no NAME=VALUE on one line\.$"):
        read_environment(file)


def test_a_file_that_cant_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"can't be read \(No such file or directory\)"):
        read_environment(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff=\xfe\n")
    with pytest.raises(SettingsError, match="isn't UTF-8"):
        read_environment(tmp_path / "binary")
