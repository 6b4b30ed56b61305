"""Operators' commands on a running relay: their socket, their server, and a line in the log for each."""

import asyncio
from typing import Final

import structlog

from relay_server.crashes import Crashes
from relay_server.net.sockets import ListenError
from relay_server.operator.commands import Arguments, Command, Operators
from relay_server.operator.location import AUTO, listen_for_operators
from relay_server.operator.unix_socket import Credentials, UnixSocket
from relay_server.settings import Settings
from relay_server.telemetry.metrics import Component

log: Final = structlog.get_logger()


def open_admin_socket(settings: Settings) -> UnixSocket | None:
    """Open the socket of the settings; without a place for it the relay serves all the same, unless one was named.

    Raises:
        ListenError: the one that was named can't be had.

    """
    try:
        return listen_for_operators(settings.admin_socket, settings.tcp_port)
    except ListenError as error:
        if settings.admin_socket != AUTO:
            raise
        log.warning("admin_off", reason=str(error), advice="set RELAY_ADMIN_SOCKET to a path, or to nothing")
        return None


class Administration:
    """Serves operators' commands on the running event loop."""

    def __init__(self, operators: Operators, crashes: Crashes, unix: UnixSocket) -> None:
        from relay_server.operator.server import AdminServer  # noqa: PLC0415 - a web server is much to load for nobody

        self._crashes = crashes
        self._unix = unix
        self._loop = asyncio.get_running_loop()
        self._server = AdminServer(operators.commands, _log_command, self._take_error)

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.run(self._unix)

    def stop(self) -> None:
        """Let `run` end."""
        self._server.stop()

    def _take_error(self, command: Command, error: Exception) -> None:
        """End the process for a change that broke off, for it may be half done; who only looked did no harm."""
        if command.changes:
            self._crashes.crash(Component.COMMAND, "an operator's command failed", error)
        else:
            self._crashes.note_page_error(error, self._loop.time())


def _log_command(peer: Credentials, name: str, arguments: Arguments, outcome: str) -> None:
    log.info("admin", command=name, **arguments.model_dump(), outcome=outcome, uid=peer.uid, pid=peer.pid)
