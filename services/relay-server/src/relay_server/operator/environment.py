"""Files of settings as systemd reads them (``EnvironmentFile=``): ``NAME=VALUE``, a line each."""

import re
from pathlib import Path
from typing import Final

from relay_server.settings import SettingsError

_LINE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*")
_QUOTES: Final = ("'", '"')


def read_environment(path: Path) -> dict[str, str]:
    """Read a file; lines that begin with # or ; are comments, and quotes around a value are taken off.

    Raises:
        SettingsError: it can't be read, or a line is something else.

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(f"{path} can't be read ({error.strerror}): name a file of settings.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} isn't UTF-8: name a file of settings.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        match = _LINE.fullmatch(line)
        if match is None or "\0" in line or line.endswith("\\"):
            raise SettingsError(f"{path}, line {number}: this is no NAME=VALUE on one line.")
        found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        inner = value[1:-1]
        return re.sub(r'\\(["\\$`])', r"\1", inner) if value[0] == '"' else inner
    return value
