"""The directory on NATS: a bucket of JetStream's key-value store, and subjects for what nodes say to one another."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError, NoServersError
from nats.js import JetStreamContext
from nats.js.api import Header, StorageType
from nats.js.errors import (
    APIError,
    BucketNotFoundError,
    KeyNotFoundError,
    KeyWrongLastSequenceError,
    NoStreamResponseError,
    NotFoundError,
)
from nats.js.kv import KV_DEL, KV_OP, KeyValue

from relay_server.cluster.base import (
    ANSWER_SECONDS,
    DELETED_SECONDS,
    AwayError,
    Change,
    Found,
    GoneError,
    Listener,
    SilentError,
    StaleError,
    TakenError,
)
from relay_server.cluster.credentials import Handshakes, PlainTextError, make_tls, read_credentials

BUCKET: Final = "relay_rooms"
BUCKET_BYTES: Final = 256 * 2**20
"""So much room the bucket has for all records: 10,000 rooms without bans take 10 MiB."""
MAX_VALUE_BYTES: Final = 256 * 2**10
CONNECT_SECONDS: Final = 1
RETRY_SECONDS: Final = 0.25
PING_SECONDS: Final = 2
"""A server that leaves two of them unanswered is taken for lost."""
_CANCEL_SECONDS: Final = 0.02
_MAX_REASONS: Final = 8
"""So many different reasons why the directory is away are logged until it is back."""
_COPIES: Final = 3
_BEATS: Final = "relay.beats"
_NODE: Final = "relay.node."

Result = TypeVar("Result")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Access:
    """Where NATS is, and what it asks for."""

    servers: tuple[str, ...]
    """Each ``HOST:PORT``."""
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials_file: str = ""
    ca_file: str = ""


class NatsDirectory:
    """One node's access to the directory; see `base.Directory`.

    Each connection is a client of its own, so that what was sent into a broken one is never sent once more later, and
    each begins with a listing.
    """

    def __init__(self, access: Access) -> None:
        """Read the files that are named.

        Raises:
            CredentialsError: one of them can't be used.

        """
        self._access = access
        self._credentials = read_credentials(Path(access.credentials_file)) if access.credentials_file else None
        if access.tls:
            make_tls(access.ca_file)
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._rooms: KeyValue | None = None
        self._checking: asyncio.Task[None] | None = None
        """Waits until the server, which left a call unanswered, answers again."""
        self._lost = asyncio.Event()
        self._closing = False
        self._reasons: set[str] = set()
        self._error: Exception = NoServersError()
        """The last one that no caller got."""

    @property
    def is_connected(self) -> bool:
        """Whether calls have a chance."""
        return (
            self._rooms is not None
            and self._checking is None
            and self._client is not None
            and self._client.is_connected
        )

    async def start(self, node: str, listener: Listener) -> None:
        """Connect in the background, for as long as it takes, and again whenever the connection breaks."""
        self._node, self._listener, self._loop = node, listener, asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())

    async def close(self) -> None:
        """Let go of the directory."""
        self._closing = True
        while self._task is not None and not self._task.done():
            self._task.cancel()  # NATS's client swallows that here and there
            await asyncio.wait([self._task], timeout=_CANCEL_SECONDS)

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that isn't there."""
        try:
            return await self._call(lambda rooms: rooms.create(key, value))
        except KeyWrongLastSequenceError:
            raise TakenError from None

    async def put(self, key: str, value: bytes, revision: int) -> int:
        """Write a key whose newest revision is this one."""
        try:
            return await self._call(lambda rooms: rooms.update(key, value, last=revision))
        except KeyWrongLastSequenceError:
            raise StaleError from None

    async def get(self, key: str) -> Found | None:
        """Read a key as it is now."""
        try:
            entry = await self._call(lambda rooms: rooms.get(key))
        except KeyNotFoundError:
            return None
        return Found(entry.revision or 0, entry.value or b"")

    async def delete(self, key: str, revision: int) -> None:
        """Delete a key whose newest revision is this one; what remains of it goes by itself."""
        headers = {KV_OP: KV_DEL, Header.EXPECTED_LAST_SUBJECT_SEQUENCE: str(revision)}

        async def mark(_: KeyValue) -> None:
            await self._jetstream.publish(f"$KV.{BUCKET}.{key}", headers=headers, msg_ttl=DELETED_SECONDS)

        try:
            await self._call(mark)
        except APIError as error:
            if not _is_stale(error):
                self._give_up(error)
            raise StaleError from None

    async def ask(self, node: str, data: bytes) -> bytes:
        """Ask a node over the bus."""
        client = self._client
        if client is None or not self.is_connected:
            raise AwayError
        try:
            answer = await client.request(_NODE + node, data, timeout=ANSWER_SECONDS)
        except NoRespondersError:
            raise GoneError from None
        except TimeoutError:
            raise SilentError from None
        except (Error, OSError):
            raise AwayError from None
        return answer.data

    async def beat(self, data: bytes) -> None:
        """Tell all nodes something."""
        if self.is_connected and self._client is not None:
            with suppress(Error, OSError):
                await self._client.publish(_BEATS, data)

    async def _call(self, call: Callable[[KeyValue], Awaitable[Result]]) -> Result:
        rooms = self._rooms
        if rooms is None or not self.is_connected:
            raise AwayError
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await call(rooms)
        except (KeyNotFoundError, KeyWrongLastSequenceError):
            raise
        except APIError as error:
            if _is_stale(error):
                raise
            self._give_up(error)
        except (NoStreamResponseError, TimeoutError):  # deleted, silent, or its servers are about to choose who leads
            self._note_silence()
            raise AwayError from None
        except (Error, OSError):
            raise AwayError from None

    def _note_silence(self) -> None:
        """Let no other call wait in vain until the server answers for the bucket."""
        if self._checking is None and self._rooms is not None:
            self._checking = asyncio.create_task(self._wait_for_answer())

    async def _wait_for_answer(self) -> None:
        while not await self._has_bucket():  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(RETRY_SECONDS)
        self._checking = None

    async def _has_bucket(self) -> bool:
        """Ask whether the bucket is there; if somebody deleted it, begin anew. False also if nobody answers."""
        try:
            await self._jetstream.stream_info(f"KV_{BUCKET}")
        except NotFoundError:
            self._lost.set()
            return False
        except (Error, OSError):
            return False
        return True

    def _give_up(self, error: APIError) -> NoReturn:
        """Say once why NATS refuses a call, for instance since the bucket is full."""
        self._say("directory_refuses", error.description or str(error))
        raise AwayError from None

    async def _run(self) -> None:
        servers = list(self._access.servers)
        random.shuffle(servers)
        for server in cycle(servers):
            self._lost = asyncio.Event()
            with self._told():
                await self._visit(server)
            await asyncio.sleep(RETRY_SECONDS)

    async def _visit(self, server: str) -> None:
        """Serve the listener by one connection, until it breaks."""
        client = Client()
        try:
            tls = make_tls(self._access.ca_file) if self._access.tls else None
            await self._connect(client, server, tls)
            if tls is not None:
                tls.check()
            self._client, self._jetstream = client, client.jetstream(timeout=ANSWER_SECONDS * 4)
            rooms = await self._open_bucket(self._jetstream)
            await client.subscribe(_NODE + self._node, cb=self._answer)
            await client.subscribe(_BEATS, cb=self._hear)
            watcher = await rooms.watchall()
            self._rooms = rooms
            log.info("directory_reached", server=server)
            await self._follow(client, watcher)
        finally:
            was_there, self._rooms, self._client = self._rooms is not None, None, None
            if self._checking is not None:
                self._checking.cancel()
                self._checking = None
            with suppress(Error, OSError):
                async with asyncio.timeout(CONNECT_SECONDS):  # the end of a TLS that failed never comes
                    await client.close()
            if was_there:
                self._reasons.clear()
                if not self._closing:
                    log.warning("directory_lost", server=server)
                self._inform(self._listener.on_away)

    async def _connect(self, client: Client, server: str, tls: Handshakes | None) -> None:
        access, credentials = self._access, self._credentials
        proof: dict[str, Any] = {}
        guard: Callable[[Callable[[], Any]], Callable[[], Any]] = tls.guard if tls else lambda secret: secret
        if credentials is not None:
            sign = credentials.sign
            proof = {
                "user_jwt_cb": guard(lambda: bytearray(credentials.jwt, "ascii")),
                "signature_cb": lambda nonce: guard(lambda: sign(nonce))(),
            }
        elif access.user is not None:
            proof = {"user": access.user, "password": guard(lambda: access.password or "")}
        await client.connect(
            f"nats://{server}",
            name=self._node, tls=tls, error_cb=self._on_error, disconnected_cb=self._on_disconnected,
            allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0, connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS, max_outstanding_pings=2, **proof,
        )  # fmt: skip

    async def _open_bucket(self, jetstream: JetStreamContext) -> KeyValue:
        """Find the bucket, or make it; who wants copies on other servers of its makes it before."""
        try:
            return await jetstream.key_value(BUCKET)
        except BucketNotFoundError:
            return await jetstream.create_key_value(
                bucket=BUCKET, description="Rooms of chat relays", history=1, storage=StorageType.FILE,
                max_bytes=BUCKET_BYTES, max_value_size=MAX_VALUE_BYTES,
                replicas=_COPIES if len(self._access.servers) >= _COPIES else 1,
            )  # fmt: skip

    async def _follow(self, client: Client, watcher: KeyValue.KeyWatcher) -> None:
        """Tell the listener what is in the bucket and what is written, until the connection breaks."""
        tasks = {asyncio.create_task(self._tell(watcher)), asyncio.create_task(self._lost.wait())}
        try:
            done: set[asyncio.Task[Any]] = set()
            while not done and client.is_connected:  # looked at, since the client may fail to say that it isn't
                done, _ = await asyncio.wait(tasks, timeout=RETRY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _tell(self, watcher: KeyValue.KeyWatcher) -> None:
        self._inform(self._listener.on_listing)
        is_first, overdue = True, None
        async for entry in watcher:
            if entry is not None:
                value = entry.value or b"" if entry.operation is None else None
                self._inform(self._listener.on_change, Change(entry.key, entry.revision or 0, value))
            if entry is None and is_first and not await self._is_empty():
                # What the server has sent and hasn't arrived yet is nothing to NATS' client: it comes, or all anew.
                overdue = self._loop.call_later(ANSWER_SECONDS, self._lost.set)
            elif entry is None or (overdue is not None and entry.delta == 0):
                self._inform(self._listener.on_caught_up)
                if overdue is not None:
                    overdue.cancel()
                    overdue = None
            is_first = False

    async def _is_empty(self) -> bool:
        """Ask whether nothing is in the bucket."""
        return (await self._jetstream.stream_info(f"KV_{BUCKET}")).state.messages == 0

    def _inform(self, take: Callable[..., None], *told: Change | bytes) -> None:
        """Tell the listener from the loop, which hears of its errors: here they would pass for NATS' own."""
        self._loop.call_soon(take, *told)

    async def _answer(self, message: Msg) -> None:
        if message.reply:
            with suppress(Error, OSError):
                await message.respond(self._listener.on_ask(message.data))

    async def _hear(self, message: Msg) -> None:
        self._inform(self._listener.on_beat, message.data)

    async def _on_disconnected(self) -> None:
        self._lost.set()

    async def _on_error(self, error: Exception) -> None:
        """Take an error that no caller gets: without this the client prints a traceback for each."""
        self._error = error
        if "permissions violation" in str(error).lower():
            self._say("directory_refuses", f"{error}: give the relay's user the rights of deploy/nats/nats.conf")
        elif not isinstance(error, Error | OSError):
            self._say("directory_failed", f"{type(error).__name__}: {error}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say why the directory isn't reached, once for each reason."""
        try:
            yield
        except PlainTextError:
            self._say("directory_away", "the server speaks no TLS, which RELAY_CLUSTER_URL asks for: correct either")
        except Exception as error:  # noqa: BLE001 - whatever a server does, the next one is tried
            self._say("directory_away", _explain(self._error if isinstance(error, NoServersError) else error))

    def _say(self, event: str, reason: str) -> None:
        if reason not in self._reasons and len(self._reasons) < _MAX_REASONS:
            self._reasons.add(reason)
            log.warning(event, reason=reason)


def _is_stale(error: APIError) -> bool:
    return error.err_code in {10071, 10164}


def _explain(error: Exception) -> str:
    text = str(error)
    if "authorization violation" in text.lower() or "authentication" in text.lower():
        return (
            "NATS refuses the user and password of RELAY_CLUSTER_URL, or RELAY_CLUSTER_CREDENTIALS_FILE: correct them"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"NATS' certificate isn't trusted, {error.verify_message}: correct RELAY_CLUSTER_CA_FILE or the host's name"
        )
    if isinstance(error, TimeoutError):
        return "what listens there doesn't answer as NATS does, or not in time"
    return text or type(error).__name__
