"""Policies for tests: no limits and all features, but for what a test is about."""

from dataclasses import replace
from typing import Any

from relay_server.core.policy import Policy

_UNLIMITED = Policy(
    silence_timeout_seconds=300.0,
    pending_timeout_seconds=300.0,
    max_session_seconds=0.0,
    host_grace_seconds=0.0,
    max_rooms=0,
    max_members=0,
    max_members_per_room=0,
    max_members_per_address=0,
    max_rooms_per_address=0,
    message_rate=0.0,
    message_burst=1,
    byte_rate=0.0,
    join_rate=0.0,
    password_guesses_per_minute=0.0,
    attribution=True,
    sanitize=True,
    leave_commands=True,
    announce=True,
    provisional_address=False,
    max_streams=0,
    resume_seconds=120.0,
    ring_bytes=0,
)


def unlimited(**limits: Any) -> Policy:
    """Return a policy without any limits but these; 0 means none."""
    return replace(_UNLIMITED, **limits)
