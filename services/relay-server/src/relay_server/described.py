"""The settings as people read them: each with its value, its source and its meaning."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from relay_server.cluster_settings import HIDDEN, hide_password
from relay_server.settings import SECRETS_DIR, Settings, variable


class Described(BaseModel):
    """One setting for display."""

    name: str
    value: str
    default: str
    source: str
    bounds: str
    description: str


def describe(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Described]:
    """List every setting with its value, its source and its meaning."""
    environ = os.environ if environ is None else environ
    names = {name.upper() for name in environ}
    described = []
    for field_name, field in Settings.model_fields.items():
        name = variable(field_name)
        set_here = field_name in settings.model_fields_set
        source = "default" if not set_here else "environment" if name in names else f"file {SECRETS_DIR}/{name.lower()}"
        described.append(
            Described(
                name=name, value=_shown(field_name, getattr(settings, field_name)), default=_text(field.default),
                source=source, bounds=_bounds(field_name), description=field.description or "",
            )
        )  # fmt: skip
    return described


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
    return properties


def _bounds(field_name: str) -> str:
    schema = _schemas()[field_name]
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    if low is None:
        return ""
    return f"{'over ' if 'exclusiveMinimum' in schema else ''}{low} to {high}"


def _shown(field_name: str, value: object) -> str:
    """Return a value as people may see it."""
    if field_name == "cluster_url":
        return hide_password(str(value))
    return HIDDEN if field_name == "cluster_key" and value else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
