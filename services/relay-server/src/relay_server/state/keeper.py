"""Keeps the journal true: what changed is written before others are told, and nothing is written for a message."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final

import structlog

from relay_server import __version__
from relay_server.core.counters import StateCounters
from relay_server.core.reclaiming import Reclaiming
from relay_server.core.restoring import Restoring
from relay_server.core.saving import Bulk, Saving
from relay_server.core.state import FORMAT, READABLE, Header, Moment, RoomGone, StateError, encode_line
from relay_server.core.state_reader import State, StateReader
from relay_server.state.journal import DamagedError, Journal

BEATS_A_LIFETIME: Final = 4
BEAT_SECONDS: Final = 10.0
"""So often, or more often, the file is touched; and written anew if it isn't current."""
BYTES_A_SECOND: Final = 8 << 20
"""What is written of changes in the long run: more would wear the disk out, and take the loop's time."""
AT_ONCE_BYTES: Final = 1 << 20
"""So much more may come at once..."""
LONGEST_WAIT_SECONDS: Final = 1.0
"""...and then changes wait for each other, but no longer than this: who was banned must not be back."""
PROVEN_SECONDS: Final = 60.0
"""What was restored and made no error for so long makes none."""

log = structlog.get_logger()


class Keeper:
    """Restores what the journal has, then writes down what changes; to be made on the running event loop."""

    def __init__(
        self, journal: Journal, saving: Saving, new_restoring: Callable[[Moment], Restoring], *,
        lifetime_seconds: float, reclaiming: Reclaiming | None = None,
    ) -> None:  # fmt: skip
        """``lifetime_seconds`` is how old a journal may be: of an older one nobody is there any more.

        ``reclaiming`` keeps the rooms of a node until the directory tells whether they still are its.
        """
        self.journal = journal
        self.counters = StateCounters()
        self._saving = saving
        self._new_restoring = new_restoring
        self._reclaiming = reclaiming
        if reclaiming is not None:
            reclaiming.on_forget, reclaiming.on_settled = self._note_forgotten, self._note_settled
        self._lifetime_seconds = lifetime_seconds
        self._beat_seconds = min(BEAT_SECONDS, lifetime_seconds / BEATS_A_LIFETIME)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._bulk: Bulk | None = None
        self._owed_bytes = 0.0
        """What was written of changes lately, less what might have been."""
        self._owed_at = 0.0
        """When that was so."""
        self._started_at = self._renewing_since = self._renewed_at = self._loop.time()
        """When the process began, and when the last two renewals did: the one under way, and the one that was done."""
        self._restored = self._failing = self._is_due = False
        self._forgotten = 0
        self.good_until = inf
        """When what waits to be reclaimed is too old (monotonic)."""

    @property
    def is_proven(self) -> bool:
        """Whether an error can't come of what was restored."""
        return not self._restored or self._loop.time() - self._started_at > PROVEN_SECONDS

    def restore(self) -> None:
        """Put everybody into place who is in the journal; what can't be read is set aside, and what is old dropped."""
        written_at = self.journal.written_at()
        if written_at is None:
            return
        age = max(0.0, time.time() - written_at)
        if age > self._lifetime_seconds:
            log.info("state_dropped", age_seconds=round(age), oldest_seconds=self._lifetime_seconds)
            return
        try:
            state = self._read()
        except (DamagedError, StateError) as error:
            self.journal.set_aside()
            log.warning("state_set_aside", reason=str(error), advice="everybody has to join again")
            return
        except Exception:
            self.journal.set_aside()  # else the next start would fail of it, too
            raise
        self._restored = True
        told = {"lobby_clients": len(state.lobby), "age_seconds": round(age, 1)}
        if self._reclaiming is None:
            self._note_restored(len(state.rooms), state.member_count, **told)
            return
        log.info("state_read", rooms=len(state.rooms), members=state.member_count, **told)
        self.good_until = self._loop.time() + self._lifetime_seconds - age
        self._reclaiming.wait(state)

    def start(self, *, gradually: bool = False) -> None:
        """Write everything anew, and from now on what changes.

        ``gradually``: between the loop's other work, for people are chatting already.
        """
        self._saving.watch(self._on_change)
        if gradually:
            self.resume()
            return
        with self._reported():
            self._renew()
        self._timer = self._loop.call_later(self._beat_seconds, self._beat)

    def pause(self) -> None:
        """Write what changed, and then nothing until `resume`: another process may write to the journal."""
        self._write_changes()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.journal.abandon()
        self._bulk = None

    def resume(self) -> None:
        """Write everything anew, between the loop's other work, for it isn't known what the journal has."""
        self._timer = self._loop.call_later(self._beat_seconds, self._beat)
        self._write_changes()  # those of the pause: of later ones nobody is told before these are taken
        with self._reported():
            self._renew_between()

    def stop(self) -> None:
        """Write nothing more; what is written stays."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._saving.stop()
        self.journal.abandon()
        self._bulk = None

    def write(self) -> None:
        """Write what changed, if anything did, before others are told of it; what waits goes on waiting."""
        if self._is_due:
            self._write_changes()

    def save(self) -> None:
        """Write what messages changed, too, and then nothing more; if that failed the journal isn't current."""
        with self._reported():
            if self.journal.is_current:
                self._append(self._saving.rest(self._renewed_at, _moment(self._loop.time())))
                self.journal.touch()
            else:
                self._renew()
        self.stop()

    def clear(self) -> None:
        """Forget everything, and write nothing more."""
        self.stop()
        self.journal.clear()

    def close(self) -> None:
        """Let another relay have the directory."""
        self.stop()
        self.journal.close()

    def _read(self) -> State:
        """Read the journal and make it true.

        Raises:
            DamagedError: the file isn't what was written.
            StateError: what was written can't be read, or can't be.

        """
        reader = StateReader()
        for line in self.journal.lines():
            reader.take(line)
        state, now = reader.finish(), self._loop.time()
        restoring = self._new_restoring(_moment(now))
        try:
            for item in state.items() if self._reclaiming is None else state.lobby_items():
                restoring.apply(item)
            restoring.finish(now)
        except StateError:
            restoring.undo()
            raise
        return state

    def _note_restored(self, rooms: int, members: int, **told: float) -> None:
        self.counters.restored_rooms, self.counters.restored_members = rooms, members
        seconds = round(self._loop.time() - self._started_at, 3)
        log.info("state_restored", rooms=rooms, members=members, **told, seconds=seconds)

    def _note_forgotten(self, room: bytes) -> None:
        """Write that a room that waited isn't this node's any more; before `start` nothing was written of it."""
        self._forgotten += 1
        if self._timer is not None:
            with self._reported():
                self._append([encode_line(RoomGone(room=room))])

    def _note_settled(self) -> None:
        """Take note that the directory told of every room whether it still is this node's."""
        assert self._reclaiming is not None  # noqa: S101 - it says so
        rooms, members = self._reclaiming.reclaimed_rooms, self._reclaiming.reclaimed_members
        self._note_restored(rooms, members, elsewhere=self._forgotten)

    def _on_change(self) -> None:
        """Write it in this turn of the loop; later if much was written, as large rooms can have it with each word."""
        wait = min((self._owed(self._loop.time()) - AT_ONCE_BYTES) / BYTES_A_SECOND, LONGEST_WAIT_SECONDS)
        self._is_due = wait <= 0.0
        if self._is_due:
            self._loop.call_soon(self._write_changes)
        else:
            self._loop.call_later(wait, self._write_changes)

    def _write_changes(self) -> None:
        self._is_due = False
        if self._timer is None:
            return  # it was stopped meanwhile
        lines = self._saving.changes(_moment(self._loop.time()))
        with self._reported():
            self._append(lines)
            if self.journal.has_grown:
                self._renew_between()

    def _append(self, lines: list[bytes]) -> None:
        written = self.journal.append(lines) if lines else 0
        now = self._loop.time()
        self._owed_bytes, self._owed_at = self._owed(now) + written, now
        self.counters.writes += written > 0
        self.counters.written_bytes += written

    def _owed(self, now: float) -> float:
        return max(0.0, self._owed_bytes - (now - self._owed_at) * BYTES_A_SECOND)

    def _beat(self) -> None:
        """Note that the relay lives, and try again if the file couldn't be written."""
        self._timer = self._loop.call_later(self._beat_seconds, self._beat)
        with self._reported():
            self.journal.touch()
            if not self.journal.is_current:
                self._renew_between()

    def _renew(self) -> None:
        """Write everything anew, at once."""
        self._begin()
        while self._bulk:
            self._write_slice(self._bulk)

    def _renew_between(self) -> None:
        """Write everything anew, between the loop's other work."""
        if self._bulk is None:
            self._begin()
            self._loop.call_soon(self._go_on)

    def _begin(self) -> None:
        """Begin to write everything anew."""
        self.journal.renew()
        self._write_new([_HEADER])
        if self._reclaiming is not None:
            self._write_new(list(map(encode_line, self._reclaiming.items())))
        self._renewing_since = self._loop.time()
        self._bulk = self._saving.bulk()

    def _go_on(self) -> None:
        """Write the next piece of it."""
        if self._bulk is None:
            return
        with self._reported():
            self._write_slice(self._bulk)
        if self._bulk is not None:
            self._loop.call_soon(self._go_on)

    def _write_slice(self, bulk: Bulk) -> None:
        lines = bulk.take(_moment(self._loop.time()))
        if lines:
            self._write_new(lines)
            return
        self.journal.put_in_place()
        self._bulk, self._renewed_at = None, self._renewing_since
        self.counters.renewals += 1
        if self._failing:
            self._failing = False
            log.info("state_saved_again")

    def _write_new(self, lines: list[bytes]) -> None:
        self.counters.written_bytes += self.journal.add(lines)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Count that something couldn't be written, and say it once; the chat goes on without."""
        try:
            yield
        except OSError as error:
            self._bulk = None
            self.counters.failures += 1
            if not self._failing:
                self._failing = True
                log.warning(
                    "state_not_saved", reason=error.strerror,
                    advice="a restart would end all rooms; see whether RELAY_STATE_DIRECTORY is there and has room",
                )  # fmt: skip


_HEADER: Final = encode_line(Header(format=FORMAT, formats=tuple(sorted(READABLE)), version=__version__))


def _moment(now: float) -> Moment:
    return Moment(now, time.time())
