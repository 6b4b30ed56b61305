"""``relay-server config``: settings as people read them, on a terminal, in the documentation, in an .env file."""

import json
import textwrap
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from relay_server.cluster_settings import HIDDEN
from relay_server.described import Described, describe
from relay_server.settings import load_settings


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    config = commands.add_parser("config", help="look at the settings")
    config.set_defaults(carry_out=carry_out)
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="every setting, its value, and where that came from")
    show.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    for name, text in (
        ("check", "say whether the settings can be used"),
        ("env", "write an .env file to start from"),
    ):
        actions.add_parser(name, help=text).set_defaults(format=name)


def carry_out(arguments: Namespace) -> int:
    """Print the settings as asked; returns the exit code.

    Raises:
        SettingsError: they can't be used.
        CertificateError: the certificate that they name can't be.

    """
    settings = load_settings()
    if arguments.format == "check":
        if settings.tls_cert_file:
            from relay_server.tls.server import load  # noqa: PLC0415

            load(settings)
        if settings.cluster_url:
            from relay_server.cluster.access import open_directory  # noqa: PLC0415

            open_directory(settings)
        print("The settings can be used.")
    else:
        write = {"env": as_env_file, "json": as_json, "markdown": as_markdown, "text": as_text}[arguments.format]
        print(write(describe(settings)), end="")
    return 0


def as_json(described: Sequence[Described]) -> str:
    """Write the settings for programs."""
    return json.dumps([setting.model_dump() for setting in described], indent=2) + "\n"


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
    return "\n".join(map(_env_block, described))


def _env_block(setting: Described) -> str:
    """Write one setting; a default, or what isn't shown, as a comment."""
    meaning = textwrap.fill(setting.description, 100, initial_indent="# ", subsequent_indent="# ")
    is_comment = setting.value == setting.default or HIDDEN in setting.value
    return f"{meaning}\n{'#' if is_comment else ''}{setting.name}={setting.value}\n"
