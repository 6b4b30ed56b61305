"""What lets rooms and members outlive a process: the journal and its keeper, if the settings name a directory."""

from functools import partial
from pathlib import Path

from relay_server.core.lobby import Lobby
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.registry import Registry
from relay_server.core.restoring import Restoring
from relay_server.core.saving import Saving
from relay_server.inherited import NOTHING, Inherited
from relay_server.net.address import locate, make_address
from relay_server.settings import Settings
from relay_server.state.journal import Journal
from relay_server.state.keeper import Keeper
from relay_server.telemetry.state import StateView


def open_journal(settings: Settings, inherited: Inherited = NOTHING) -> Journal | None:
    """Take the directory for this relay, or go on holding it; None if there is to be no state on disk.

    The lock of another directory is left to who inherited it.

    Raises:
        StateDirectoryError: it can't be used, or another relay uses it.

    """
    if not settings.state_directory:
        return None
    lock, directory = inherited.lock, settings.state_directory
    return Journal(Path(directory), lock.descriptor if lock and lock.directory == directory else None)


def build_keeper(
    settings: Settings, journal: Journal | None, registry: Registry, lobby: Lobby, reclaiming: Reclaiming | None,
    started_at: float,
) -> Keeper | None:  # fmt: skip
    """Build what keeps the journal true, if there is one; ``reclaiming`` and ``started_at`` are a node's."""
    if journal is None:
        return None
    its_lobby = lobby if settings.lobby_port else None
    return Keeper(
        journal,
        Saving(registry, its_lobby, locate, started_at),
        partial(Restoring, registry, its_lobby, make_address, handed_over=False),
        lifetime_seconds=settings.silence_timeout_seconds,
        reclaiming=reclaiming,
    )


def view_state(keeper: Keeper | None) -> StateView:
    """Return what metrics tell of it."""
    return StateView(keeper.counters, keeper.journal.size_bytes, keeper.journal.is_current) if keeper else StateView()
