"""What the web port answers to HTTP requests: the page's files, and the list of rooms (WEB-01, WEB-04, LIST-01)."""

import hashlib
import json
import mimetypes
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from chatproto import Refusal, RefusalCode, Status
from chatproto.payloads import status_fields

INDEX: Final = "/index.html"
ROOMS: Final = "/rooms"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""A page may load what comes with it, speak to its own origin, and be framed by nobody."""
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What every answer has."""

_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}
"""What systems differ in, or don't know."""
_TEXTS: Final = ("text/", "application/json", "application/manifest+json", "image/svg+xml")

Header = tuple[bytes, bytes]


class Reply(NamedTuple):
    """What is answered."""

    status: int
    kind: str
    body: bytes
    headers: tuple[Header, ...] = ()


class _File(NamedTuple):
    kind: str
    body: bytes
    tag: bytes


class Site:
    """Answers requests from memory: nothing that a path says reaches a file system."""

    def __init__(self, files: Mapping[str, bytes], list_rooms: Callable[[], bytes | None]) -> None:
        """``list_rooms`` returns the list as JSON, or None if nobody may know it."""
        self._files = {f"/{path}": _File(_kind(path), body, _tag(body)) for path, body in files.items()}
        self._list_rooms = list_rooms

    def reply_to(self, method: bytes, path: str, seen_tags: bytes) -> Reply:
        """Return the answer; ``seen_tags`` is the header If-None-Match."""
        if method not in {b"GET", b"HEAD"}:
            return say(405, "Use GET.", (b"allow", b"GET, HEAD"))
        if path == ROOMS:
            return self._rooms()
        file = self._files.get(INDEX if path == "/" else path)
        if file is None:
            return say(404, "There is no such page: open / to chat.")
        kept = ((b"etag", file.tag), (b"cache-control", b"no-cache"))
        if file.tag in [tag.strip().removeprefix(b"W/") for tag in seen_tags.split(b",")]:
            return Reply(304, file.kind, b"", kept)
        return Reply(200, file.kind, file.body, kept)

    def _rooms(self) -> Reply:
        listed, fresh = self._list_rooms(), ((b"cache-control", b"no-store"),)
        if listed is None:
            refusal = json.dumps(status_fields(Refusal(Status.NOT_SUPPORTED, RefusalCode.NO_LIST))).encode()
            return Reply(404, "application/json", refusal, fresh)
        return Reply(200, "application/json", listed, fresh)


def say(status: int, sentence: str, *headers: Header) -> Reply:
    """Return an answer that is a sentence."""
    return Reply(status, "text/plain; charset=utf-8", f"{sentence}\n".encode(), headers)


def _kind(path: str) -> str:
    ending = path[path.rfind(".") :]
    kind = _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(_TEXTS) else kind


def _tag(body: bytes) -> bytes:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
