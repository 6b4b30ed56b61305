"""What stands in a TCRP frame's payload: requests, statuses and completions, plain or JSON."""

import json
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from chatproto.codes import Feature, Status
from chatproto.constants import ATTEMPT_BYTES, MAX_TOKEN_BYTES
from chatproto.errors import MalformedError
from chatproto.page_address import read_page
from chatproto.refusal_codec import code_fields, read_refusal
from chatproto.refusals import Refusal
from chatproto.servers import Server, read_server, read_servers, server_fields
from chatproto.text import check_password, check_user_name

STREAM: Final = "stream"
"""What a request has under ``"chat"`` if its chat may go on over the connection, and a completion if it does."""
MAX_EPOCH_BYTES: Final = 64
_NAME_KEYS = ("username", "user_name", "userName")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks with: its name, perhaps a password, and the form of reply it reads (TCP-05)."""

    username: str
    password: str | None = field(default=None, repr=False)
    json_reply: bool = False
    """The reply may be JSON and needs no pause between its frames (TCP-06, TCP-08)."""
    plain: bool = True
    """The payload was the bare name."""
    features: frozenset[Feature] = frozenset()
    """What is asked for beyond the plain protocol, of what this library knows; only with a JSON reply (FEAT-01)."""
    ticket: str = field(default="", repr=False)
    """Whose seat is to be taken again (RES-01); empty: a new one is wanted."""
    attempt: str = field(default="", repr=False)
    """By what the relay knows this request if it is sent again (RES-02); only with the feature ``resume``."""
    stream: bool = False
    """The chat may go on over this connection (STR-01); only with a JSON reply."""
    epoch: str = ""
    """The room's numbering as it was last known (STR-05); empty if none was."""
    heard: int = 0
    """The newest number of it that was heard."""
    sealed: bool = False
    """The room to create is to be sealed (SEAL-01); only with the feature ``sealed``."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What the relay grants (TCP-07); a plain reply carries the token alone, and the rest is None."""

    token: bytes
    host: bool | None = None
    udp_port: int | None = None
    silence_timeout_seconds: float | None = None
    max_message_bytes: int | None = None
    moderation: bool = False
    """Whether the relay obeys commands (MOD-01); older ones don't."""
    features: frozenset[Feature] = frozenset()
    """What is granted of what was asked for (FEAT-01)."""
    ticket: str = field(default="", repr=False)
    """By what the seat can be taken again (RES-01); empty without the feature ``resume``."""
    stream: bool = False
    """Whether the chat goes on over this connection (STR-01)."""
    epoch: str = ""
    """What the room's numbering is called; another one counts something else (STR-05)."""
    seq: int = 0
    """The newest number in it."""
    sealed: bool = False
    """Whether the room is sealed (SEAL-01)."""
    servers: tuple[Server, ...] = ()
    """The nodes at which the seat can be taken again, this one first (CLU-02); empty if there is no cluster."""
    web: str = ""
    """The address of the relay's page, which begins invitations for browsers (WEB-05); empty if it isn't told."""


def encode_request(request: Request) -> bytes:
    """Write a request's payload in its form: the bare name if ``plain``, else a JSON object (TCP-05)."""
    if request.plain:
        name = request.username
        # A bare name that begins like JSON would be read as JSON, so it goes in quotes.
        return (json.dumps(name, ensure_ascii=False) if name.startswith(("{", '"')) else name).encode()
    fields: dict[str, object] = {"username": request.username}
    if request.password:
        fields["password"] = request.password
    if request.json_reply:
        fields["reply"] = "json"
        if request.features:
            fields["features"] = sorted(request.features)
        more = {"resume": request.ticket, "attempt": request.attempt, "sealed": request.sealed}
        fields |= {key: value for key, value in more.items() if value}
        if request.stream:
            fields["chat"] = STREAM
            fields |= {"epoch": request.epoch, "heard": request.heard} if request.epoch else {}
    return json.dumps(fields, ensure_ascii=False).encode()


def decode_request(payload: bytes) -> Request:
    """Read a request's payload in any of its forms (TCP-05).

    Raises:
        MalformedError: it begins like a JSON object but is none, or a field has the wrong type.
        BadPasswordError: the password can't be used.
        BadNameError: the user name can't be used.

    """
    first = payload.lstrip()[:1]
    if first == b"{":
        return read_request(_parse_json(payload))
    if first == b'"':
        return Request(_checked(_parse_json(payload)))
    return Request(check_user_name(payload))


class Form(NamedTuple):
    """How a reply is to be written."""

    json: bool = False
    """As a JSON object (TCP-06)."""
    codes: bool = False
    """With the code of a refusal (FEAT-04)."""


def form_of(payload: bytes) -> Form:
    """Tell how a request, even one that can't be served, is to be answered, as far as it says so legally."""
    if payload.lstrip()[:1] != b"{":
        return Form()
    try:
        fields = _parse_json(payload)
    except MalformedError:
        return Form()
    return Form(json=True, codes=wants_codes(fields)) if fields.get("reply") == "json" else Form()


def wants_codes(fields: dict[str, Any]) -> bool:
    """Tell whether a request's object asks for facts (FEAT-01); not if that can't be told."""
    try:
        return Feature.NOTICES in _known_features(fields.get("features", []))
    except TypeError:
        return False


def encode_status(refusal: Refusal, form: Form, server: Server | None = None) -> bytes:
    """Write a reply's payload: one byte, or a JSON object for who asked for it (TCP-06)."""
    if not form.json:
        return bytes((refusal.status,))
    return json.dumps(status_fields(refusal, codes=form.codes, server=server), ensure_ascii=False).encode()


def status_fields(refusal: Refusal, *, codes: bool = False, server: Server | None = None) -> dict[str, object]:
    """Return what a JSON reply says (TCP-06); with ``codes`` why exactly, as facts (FEAT-04)."""
    status = refusal.status
    fields: dict[str, object] = {"status": int(status), "reason": status.reason, "message": str(refusal)}
    if refusal.banned:
        fields["banned"] = True
    if server:
        fields |= server_fields(server)
    return fields | code_fields(refusal) if codes else fields


def decode_status(payload: bytes) -> tuple[Status, str]:
    """Read a reply's payload in either form; returns the status and its message.

    Raises:
        MalformedError: it is no known status.

    """
    fields = _parse_json(payload) if payload[:1] == b"{" else None
    try:
        if fields is not None:
            status = Status(fields["status"])
            message = fields.get("message")
            return status, message if isinstance(message, str) and message else status.message
        (code,) = payload
        return Status(code), Status(code).message
    except (KeyError, ValueError):
        raise MalformedError("The relay's status isn't one that the protocol knows.") from None


def told_refusal(payload: bytes) -> Refusal:
    """Return what a reply's payload says, in either form.

    Raises:
        MalformedError: it is no known status.

    """
    status, message = decode_status(payload)
    return read_refusal(_parse_json(payload) if payload[:1] == b"{" else {}, status, message)


def told_server(payload: bytes) -> Server | None:
    """Return the node that a legal reply's payload sends a client to, if it names one (CLU-01)."""
    return read_server(_parse_json(payload)) if payload[:1] == b"{" else None


def encode_completion(completion: Completion, *, json_reply: bool) -> bytes:
    """Write a completion's payload: the token alone, or a JSON object (TCP-07)."""
    if not json_reply:
        return completion.token
    return json.dumps(completion_fields(completion)).encode()


def completion_fields(completion: Completion) -> dict[str, object]:
    """Return what a JSON completion says (TCP-07)."""
    fields: dict[str, object] = {
        "token": completion.token.decode("ascii"),
        "host": completion.host,
        "udp_port": completion.udp_port,
        "silence_timeout_seconds": completion.silence_timeout_seconds,
        "max_message_bytes": completion.max_message_bytes,
        "moderation": completion.moderation,
    }
    if completion.features:  # so that who asked for nothing gets the same bytes as ever (FEAT-02)
        fields["features"] = sorted(completion.features)
    if completion.ticket:
        fields["resume"] = completion.ticket
    if completion.stream:
        fields |= {"chat": STREAM, "epoch": completion.epoch, "seq": completion.seq}
    if completion.sealed:
        fields["sealed"] = True
    if completion.servers:
        fields["servers"] = [server_fields(server) for server in completion.servers]
    if completion.web:
        fields["web"] = completion.web
    return fields


def decode_completion(payload: bytes) -> Completion:
    """Read a completion's payload in either form.

    Raises:
        MalformedError: it holds no usable token, or a field has the wrong type or an impossible value.

    """
    if payload[:1] != b"{":
        return Completion(_checked_token(payload))
    fields = _parse_json(payload)
    try:
        completion = Completion(
            _checked_token(fields["token"].encode("ascii")),
            bool(fields["host"]),
            int(fields["udp_port"]),
            float(fields["silence_timeout_seconds"]),
            int(fields["max_message_bytes"]),
            bool(fields.get("moderation")),
            _known_features(fields.get("features", [])),
            _text(fields, "resume"),
            *_numbering(fields, "seq"),
            fields.get("sealed") is True,
            read_servers(fields.get("servers")),
            read_page(fields.get("web")),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise MalformedError("The relay's completion lacks a field or has one of the wrong type.") from None
    if completion.udp_port not in range(1, 2**16):
        raise MalformedError(f"The relay's completion names UDP port {completion.udp_port}: there is none.")
    return completion


def _checked_token(token: bytes) -> bytes:
    if not 0 < len(token) <= MAX_TOKEN_BYTES:
        raise MalformedError(f"The relay sent a token of {len(token)} bytes: 1 to {MAX_TOKEN_BYTES} are legal.")
    return token


def read_request(fields: dict[str, Any]) -> Request:
    """Read a request's JSON object (TCP-05).

    Raises:
        MalformedError: a field has the wrong type.
        BadPasswordError: the password can't be used.
        BadNameError: the user name can't be used.

    """
    username = next((fields[key] for key in _NAME_KEYS if key in fields), None)
    password = fields.get("password")
    if not isinstance(username, str):
        raise MalformedError('The JSON object has no text under "username".')
    if not isinstance(password, str | None):
        raise MalformedError('"password" is neither text nor null.')
    try:
        features = _known_features(fields.get("features", []))
    except TypeError:
        raise MalformedError('"features" is no list of texts.') from None
    name, secret = _checked(username), check_password(password or "") or None
    json_reply = fields.get("reply") == "json"
    if not json_reply:
        features = frozenset()
    ticket, attempt = _resumption(fields, features)
    try:
        stream, epoch, heard = _numbering(fields, "heard") if json_reply else (False, "", 0)
    except (TypeError, ValueError):
        raise MalformedError('"epoch" is no short text, or "heard" no number.') from None
    return Request(
        name, secret, json_reply=json_reply, plain=False, features=features, ticket=ticket, attempt=attempt,
        stream=stream, epoch=epoch, heard=heard, sealed=_sealed(fields, features),
    )  # fmt: skip


def _resumption(fields: dict[str, Any], features: frozenset[Feature]) -> tuple[str, str]:
    """Read ticket and attempt (RES-01, RES-02); without the feature only whether there is a ticket matters."""
    if Feature.RESUME not in features:
        return "?" if isinstance(fields.get("resume"), str) else "", ""
    try:
        ticket, attempt = _text(fields, "resume"), _text(fields, "attempt")
    except TypeError:
        raise MalformedError('"resume" or "attempt" is no text.') from None
    if attempt and not (len(attempt) in ATTEMPT_BYTES and attempt.isascii() and attempt.isprintable()):
        raise MalformedError('"attempt" has not 16 to 64 printable bytes of ASCII.')
    return ticket, attempt


def _numbering(fields: dict[str, Any], key: str) -> tuple[bool, str, int]:
    """Read whether the chat is a stream, and a place in a room's numbering (STR-01, STR-05).

    Raises:
        TypeError: the epoch is no text, or the number none.
        ValueError: the epoch is too long, or the number negative.

    """
    if fields.get("chat") != STREAM:
        return False, "", 0
    epoch, number = _text(fields, "epoch"), fields.get(key, 0)
    if type(number) is not int:  # a JSON true is no number, although Python's is
        raise TypeError
    if len(epoch) > MAX_EPOCH_BYTES or not epoch.isascii() or number < 0:
        raise ValueError
    return True, epoch, number


def _sealed(fields: dict[str, Any], features: frozenset[Feature]) -> bool:
    """Read whether the room is to be sealed (SEAL-01)."""
    sealed = Feature.SEALED in features and fields.get("sealed", False)
    if not isinstance(sealed, bool):
        raise MalformedError('"sealed" is neither true nor false.')
    return sealed


def _text(fields: dict[str, Any], key: str) -> str:
    """Return a field's text, which is empty if there is none.

    Raises:
        TypeError: it is no text.

    """
    text = fields.get(key) or ""
    if not isinstance(text, str):
        raise TypeError
    return text


def _known_features(listed: Any) -> frozenset[Feature]:
    """Read a list of features, without those that aren't known.

    Raises:
        TypeError: it is no list of texts.

    """
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise TypeError
    return frozenset(feature for feature in Feature if feature in listed)


def _checked(name: str) -> str:
    # JSON can spell lone surrogates; those have no UTF-8 and so are no name.
    return check_user_name(name.encode("utf-8", "surrogatepass"))


def _parse_json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise MalformedError("The payload begins like JSON but isn't.") from None
