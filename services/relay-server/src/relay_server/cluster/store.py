"""The records of rooms in the directory: sealed on the way there, opened on the way back, counted and timed."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, assert_never

from relay_server.cluster.base import AwayError, Directory, StaleError, TakenError
from relay_server.cluster.vault import SealError, Vault
from relay_server.core.counters import ClusterCounters, DirectoryError, IgnoredRecord
from relay_server.core.home_actions import Call, CallFailure, Create, Delete, Found, Get, Put
from relay_server.core.homes import UNREADABLE
from relay_server.core.records import RecordError, RoomRecord, decode_record, encode_record

MAX_CALLS: Final = 64
"""So many calls are under way at once; others wait, so that a crowd of them takes its time and doesn't fail."""


class Store:
    """Carries out a node's calls of the directory."""

    def __init__(
        self, directory: Directory, vault: Vault, counters: ClusterCounters, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._counters = counters
        self._clock = clock
        self._turns = asyncio.Semaphore(MAX_CALLS)

    async def carry_out(self, call: Call) -> int | Found | CallFailure | None:
        """Do what a node wants of the directory; returns what came of it."""
        async with self._turns:
            began = self._clock()
            try:
                answer = await self._call(call)
            except TakenError:
                failure, reason = CallFailure.TAKEN, DirectoryError.TAKEN
            except StaleError:
                failure, reason = CallFailure.STALE, DirectoryError.STALE
            except AwayError:
                failure, reason = CallFailure.AWAY, DirectoryError.AWAY
            else:
                self._counters.directory.observe(self._clock() - began)
                return answer
        self._counters.directory_errors[reason] += 1
        return failure

    def read(self, key: str, value: bytes | None) -> RoomRecord | Literal["unreadable"] | None:
        """Open what the directory holds under a key; None if it holds nothing."""
        if value is None:
            return None
        try:
            record = decode_record(self._vault.records.open(key, value))
        except SealError:
            reason = IgnoredRecord.SEAL
        except RecordError as error:
            reason = error.reason
        else:
            return record
        self._counters.records_ignored[reason] += 1
        return UNREADABLE

    async def _call(self, call: Call) -> int | Found | None:
        match call:
            case Create(key, record):
                return await self._directory.create(key, self._seal(key, record))
            case Put(key, record, revision):
                return await self._directory.put(key, self._seal(key, record), revision)
            case Delete(key, revision):
                await self._directory.delete(key, revision)
                return None
            case Get(key):
                found = await self._directory.get(key)
                if found is None:
                    return None
                read = self.read(key, found.value)
                return Found(found.revision, None if read == UNREADABLE else read)
        assert_never(call)

    def _seal(self, key: str, record: RoomRecord) -> bytes:
        return self._vault.records.seal(key, encode_record(record))
