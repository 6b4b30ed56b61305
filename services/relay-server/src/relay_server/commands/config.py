"""Settings as people read them: on a terminal, in the documentation, in an .env file."""

import textwrap
from collections.abc import Sequence

from relay_server.settings import Described


def as_text(described: Sequence[Described]) -> str:
    """Lay the settings out in columns."""
    rows = [("SETTING", "VALUE", "FROM"), *((d.name, d.value, d.source) for d in described)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def as_markdown(described: Sequence[Described]) -> str:
    """Write the table that `docs/settings.md` holds."""
    lines = ["| variable | default | bounds | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| `{d.name}` | `{d.default}` | {d.bounds} | {d.description} |" for d in described]
    return "\n".join(lines) + "\n"


def as_env_file(described: Sequence[Described]) -> str:
    """Write every setting with its value as a commented line of an .env file."""
    blocks = (f"{textwrap.fill(d.description, 100, initial_indent='# ', subsequent_indent='# ')}\n"
              f"{'' if d.value != d.default else '#'}{d.name}={d.value}\n" for d in described)  # fmt: skip
    return "\n".join(blocks)
