"""The settings of bot-client: BOT_* variables and flags of the same names, from one list."""

import argparse
import os
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatclient import BadPasswordError, Tls, Transport, make_context, parse_fingerprint, parse_server
from chatproto import check_password, sanitize
from chatproto.constants import DEFAULT_TCP_PORT
from chatproto.sealing import RoomKey
from chatproto.service_links import find_service_links

PREFIX: Final = "BOT_"

_NO_FLAG: Final = {"password", "room_key"}
"""Every user of the machine can read command lines."""

Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(ValueError):
    """An invalid setting; ``str()`` is one sentence that says which one and why."""


class Settings(BaseSettings):
    """What the bots play, where, how fast, and what they report."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", env_ignore_empty=True, allow_inf_nan=False)

    server: str = Field("127.0.0.1:9000", description="The relay: HOST or HOST:PORT (TCP); [HOST]:PORT for IPv6.")
    lobby_port: Port = Field(9002, description="The lobby's UDP port on the same host.")
    scenario: str = Field("chatter", description="What to play: a YAML file or the name of a shipped scenario.")
    duration_seconds: float = Field(0.0, ge=0, description="End after this long; 0 = when the scenario ends.")
    speed: float = Field(
        1.0,
        gt=0,
        le=100,
        description="Divide waits, delays and durations in the scenario by this number.",
    )
    seed: int | None = Field(None, description="Seed that makes random choices repeatable; none = different each time.")
    id: str = Field("", max_length=16, description="Replaces {id} in names; empty = chosen at start.")
    name_prefix: str = Field("", max_length=32, description="Put in front of every bot's name.")
    password: SecretStr = Field(
        SecretStr(""),
        description="Password of rooms; one in the scenario wins. It has no flag, because it is a secret.",
    )
    room_key: SecretStr = Field(
        SecretStr(""),
        description="Key of sealed rooms, as invitations have it after k=; one in the scenario wins. It has no flag.",
    )
    tls: bool = Field(
        default=False, description="Join over TLS; verify the relay's certificate by the system's authorities."
    )
    tls_fingerprint: str = Field("", description="Join over TLS; accept only the certificate with this SHA-256.")
    tls_ca_file: str = Field(
        "", description="Join over TLS; verify the relay's certificate by the authorities in this file."
    )
    transport: Transport = Field(
        Transport.UDP,
        description="How chats in rooms travel: udp; stream over the TCP connection; auto = as chat --transport.",
    )
    rooms: int = Field(5, ge=1, le=10_000, description="$BOT_ROOMS in scenarios: number of rooms.")
    members: int = Field(10, ge=1, le=10_000, description="$BOT_MEMBERS in scenarios: number of members of each room.")
    rate: float = Field(1.0, gt=0, le=10_000, description="$BOT_RATE in scenarios: messages a second of each member.")
    patience_seconds: float = Field(
        10.0, ge=0, description="How long to retry while the relay is down or busy; 0 = without limit."
    )
    loss_timeout_seconds: float = Field(
        5.0, gt=0, description="A message counts as lost if it hasn't arrived after this long."
    )
    report_seconds: float = Field(
        60.0, ge=0, description="Interval between printed lines of figures; 0 = only at the end."
    )
    quiet: bool = Field(default=False, description="Print only figures, no messages.")
    metrics_port: Port = Field(0, description="Serve Prometheus metrics on this port; 0 = off.")
    metrics_host: str = Field("127.0.0.1", description="Address on which metrics are served.")

    @field_validator("server", "scenario", "tls_ca_file", "metrics_host")
    @classmethod
    def _check_text(cls, value: str) -> str:
        if value != value.strip() or any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError("remove white space around it and control characters, such as Windows' line ends")
        return value

    @field_validator("server")
    @classmethod
    def _check_server(cls, value: str) -> str:
        return str(parse_server(value, DEFAULT_TCP_PORT))

    @field_validator("id", "name_prefix")
    @classmethod
    def _check_word(cls, value: str) -> str:
        if not value.isprintable() or ":" in value or value != value.lstrip():
            raise ValueError("use printable characters, no colon, and no space at the start")
        return value

    @field_validator("password")
    @classmethod
    def _check_password(cls, value: SecretStr) -> SecretStr:
        try:
            check_password(value.get_secret_value())
        except BadPasswordError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("room_key")
    @classmethod
    def _check_room_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            RoomKey.parse(value.get_secret_value())
        return value

    @field_validator("tls_fingerprint")
    @classmethod
    def _check_fingerprint(cls, value: str) -> str:
        return parse_fingerprint(value) if value else ""

    @field_validator("tls_ca_file")
    @classmethod
    def _check_ca_file(cls, value: str) -> str:
        if value:
            make_context(Tls(ca_file=value))
        return value

    @property
    def proof(self) -> Tls | None:
        """How the relay's certificate is verified; None to join without TLS."""
        if not (self.tls or self.tls_fingerprint or self.tls_ca_file):
            return None
        return Tls(self.tls_fingerprint or None, self.tls_ca_file or None)

    @property
    def lobby(self) -> str:
        """The lobby's ``HOST:PORT``."""
        return f"{self.server.rpartition(':')[0]}:{self.lobby_port}"

    @classmethod
    def load(cls, flags: Mapping[str, Any]) -> Self:
        """Merge flags (by field name; they win), the environment and the defaults.

        Raises:
            SettingsError: a BOT_* name is unknown, or a value is bad.

        """
        for name in find_service_links(os.environ, PREFIX):  # of a neighbour called bot, or bot-lobby
            del os.environ[name]
        known = {variable(name) for name in cls.model_fields}
        # pydantic-settings passes over a misspelt variable in silence.
        mistakes = [
            f"{sanitize(name)} is not a setting of bot-client: {_meant(name.upper(), known)}"
            for name in sorted(os.environ)
            if name.upper().startswith(PREFIX) and name.upper() not in known
        ]
        try:
            settings = cls(**flags)
        except ValidationError as error:
            mistakes += [_sentence(each, flags) for each in error.errors()]
        except UnicodeEncodeError:  # of a path, which pydantic writes as UTF-8
            mistakes.append(f"{variable('tls_ca_file')} isn't UTF-8: use a file whose path is UTF-8.")
        if mistakes:
            raise SettingsError("\n".join(mistakes))
        return settings


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{PREFIX}{field.upper()}"


def flag(field: str) -> str:
    """Return the command-line flag of a field."""
    return f"--{field.replace('_', '-')}"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add one flag for each setting to a parser; flags that aren't given stay out of the namespace."""
    group = parser.add_argument_group("settings (also as BOT_* environment variables)")
    for name, field in Settings.model_fields.items():
        if name in _NO_FLAG:
            continue
        default = "none" if field.default is None else str(field.default)
        described = f"{field.description} [{default or 'empty'}]".replace("%", "%%")
        if field.annotation is bool:
            group.add_argument(flag(name), action="store_const", const=True, default=argparse.SUPPRESS, help=described)
        else:
            group.add_argument(flag(name), default=argparse.SUPPRESS, metavar="VALUE", help=described)


def settings_table() -> str:
    """Write all settings as a Markdown table, as docs/bots.md shows them."""
    lines = ["| variable | flag | default | what it does |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else str(field.default).lower() or "empty"
        given = "" if name in _NO_FLAG else f"`{flag(name)}`"
        lines.append(f"| `{variable(name)}` | {given} | `{default}` | {field.description} |")
    return "\n".join(lines)


def _sentence(first: ErrorDetails, flags: Mapping[str, Any]) -> str:
    field = str(first["loc"][0])
    name = flag(field) if field in flags else variable(field)
    what = first["msg"].removeprefix("Value error, ").rstrip(".")
    shown = "used" if field in _NO_FLAG else repr(str(first["input"]))
    return f"{name} can't be {shown}: {what[:1].lower()}{what[1:]}."


def _meant(name: str, known: set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"unset it or use one of {', '.join(sorted(known))}."
