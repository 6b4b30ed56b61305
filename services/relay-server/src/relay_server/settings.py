"""The relay's settings: environment variables ``RELAY_*``, or files in /run/secrets."""

import os
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from chatproto import sanitize
from chatproto.service_links import find_service_links
from relay_server.cluster_settings import check_node_address, check_node_name, check_url, find_cluster_fault
from relay_server.core.policy import Policy, StreamsAllowed, TcpLimits
from relay_server.secret_files import FileSettings
from relay_server.web_settings import (
    WEB_CONNECTIONS,
    WebTls,
    check_networks,
    check_origins,
    check_web_url,
    complete_page,
    host_of_link,
    is_loopback,
    write_link,
)

PREFIX: Final = "RELAY_"
SECRETS_DIR: Final = Path("/run/secrets")

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=0, le=10_000_000)]
Rate = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
PortOrOff = Annotated[int, Field(ge=0, le=65_535)]


def _check_text(text: str) -> str:
    if text != text.strip() or any(unicodedata.category(character) == "Cc" for character in text):
        raise PydanticCustomError(
            "text", "Remove white space around it and control characters, such as Windows' line ends"
        )
    return text


def _check_host(host: str) -> str:
    if not host.isprintable() or " " in host:
        raise PydanticCustomError("host", "Use one address or name, without white space or invisible characters")
    return host


def _check_socket(path: str) -> str:
    if path not in {"", "auto"} and not path.startswith("/"):
        raise PydanticCustomError("socket_path", "Use an absolute path, auto, or nothing")
    return path


def _check_directory(path: str) -> str:
    if path and not path.startswith("/"):
        raise PydanticCustomError("directory", "Use an absolute path, or nothing")
    return path


Text = Annotated[str, AfterValidator(_check_text)]
Host = Annotated[Text, AfterValidator(_check_host)]
SocketPath = Annotated[Text, AfterValidator(_check_socket)]
Directory = Annotated[Text, AfterValidator(_check_directory)]
ClusterUrl = Annotated[Text, AfterValidator(check_url)]
NodeName = Annotated[Text, AfterValidator(check_node_name)]
NodeAddress = Annotated[Text, AfterValidator(check_node_address)]
Origins = Annotated[Text, AfterValidator(check_origins)]
WebUrl = Annotated[Text, AfterValidator(check_web_url)]
Networks = Annotated[Text, AfterValidator(check_networks)]


class Attribution(StrEnum):
    """What the relay puts before a relayed message."""

    NAME = "name"
    NONE = "none"


class LogLevel(StrEnum):
    """The least severe level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The format of the log."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LoopKind(StrEnum):
    """Which event loop runs the relay."""

    UVLOOP = "uvloop"
    ASYNCIO = "asyncio"


class TlsVersion(StrEnum):
    """The oldest TLS version that is accepted."""

    V1_2 = "1.2"
    V1_3 = "1.3"


class SettingsError(Exception):
    """An invalid setting; ``str()`` is one sentence that names it."""


class Settings(FileSettings):
    """The relay's settings; for limits, 0 means no limit."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: Host = Field("::", description="Address to listen on; `::` is every address of both families")
    tcp_port: Port = Field(9000, description="TCP port for create and join")
    udp_port: Port = Field(9001, description="UDP port for chat in rooms")
    lobby_port: PortOrOff = Field(9002, description="UDP port of the lobby; 0 = off")
    ops_host: Host = Field("127.0.0.1", description="Address that the ops port listens on")
    ops_port: PortOrOff = Field(9100, description="Ops port: HTTP for `/metrics`, `/healthz` and `/readyz`; 0 = off")
    admin_socket: SocketPath = Field(
        "auto",
        description="Unix socket for operators' commands: a path, `auto` for one that only the relay's user "
        "and root may use, or empty for none",
    )
    state_directory: Directory = Field(
        "",
        description="Directory, of the relay's user alone, in which rooms and members outlive a restart; empty = they "
        "end with the relay (CONT-01)",
    )
    silence_timeout_seconds: Seconds = Field(300, description="Evict a member that is silent for this long (EVI-01)")
    pending_timeout_seconds: Seconds = Field(
        300, description="Evict a member that sends no datagram for this long after its join (ROOM-04)"
    )
    max_session_seconds: float = Field(
        43_200,
        ge=0,
        le=31_536_000,
        allow_inf_nan=False,
        description="How long a member may stay without a new proof of its address (EVI-07); 0 = no limit",
    )
    transaction_timeout_seconds: Seconds = Field(5, description="Deadline of a create or join (TCP-03)")
    completion_pause_seconds: float = Field(
        0.05,
        ge=0,
        le=5,
        description="Pause before the token, for clients that read each frame with one call (TCP-08)",
    )
    host_grace_seconds: float = Field(
        0, ge=0, le=86_400, description="How long a room stays open without its host, which may come back (ROOM-06)"
    )
    max_payload_bytes: int = Field(
        4096, ge=256, le=2**20, description="Largest request payload that is accepted (TCP-02)"
    )
    max_rooms: Limit = Field(10_000, description="Maximum number of rooms")
    max_members: Limit = Field(50_000, description="Maximum number of members in all rooms")
    max_members_per_room: Limit = Field(
        1000, description="Maximum number of members of one room; also of clients in the lobby"
    )
    max_members_per_address: Limit = Field(
        64,
        description="Maximum number of members from one IPv4 address or IPv6 /64; enough for a school behind one",
    )
    max_rooms_per_address: Limit = Field(16, description="Maximum number of open rooms created from one address")
    max_transactions: Limit = Field(2000, description="Maximum number of concurrent creates and joins")
    max_transactions_per_address: Limit = Field(
        100, description="Maximum number of concurrent creates and joins from one address"
    )
    message_rate: Rate = Field(20, description="Maximum rate of messages a second from one member (LIM-01)")
    message_burst: int = Field(
        40, ge=1, le=1_000_000, description="Messages that one member may send at once before the rate applies"
    )
    byte_rate: Rate = Field(65_536, description="Maximum rate of message bytes a second from one member")
    join_rate: Rate = Field(
        20, description="Maximum rate of creates and joins a second from one address; a burst of five seconds' worth"
    )
    password_guesses_per_minute: float = Field(
        5,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Maximum rate of wrong passwords a minute from one address; a burst of 64. "
        "A room takes four times as many before it becomes stricter (PWD-04)",
    )
    hide_rooms: bool = Field(
        False, description="Answer a join of a room that doesn't exist like one with a wrong password (PWD-05)"
    )
    tls_cert_file: Text = Field(
        "", description="Certificate chain (PEM) for TLS on the TCP port; empty = no TLS (TCP-12)"
    )
    tls_key_file: Text = Field("", description="The certificate's private key (PEM)")
    tls_required: bool = Field(False, description="Refuse creates and joins without TLS")
    tls_min_version: TlsVersion = Field(
        TlsVersion.V1_3, description="Oldest TLS version that is accepted: `1.2` or `1.3`"
    )
    streams: StreamsAllowed = Field(
        StreamsAllowed.ANY,
        description="Who may chat over the TCP port: `any`, only who joined by `tls`, or nobody (`off`) (STR-01)",
    )
    max_streams: Limit = Field(10_000, description="Maximum number of members that chat over streams (STR-07)")
    resume_seconds: float = Field(
        120,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="How long the seat of a member whose stream broke waits for it (STR-06)",
    )
    ring_bytes: int = Field(
        64 * 2**20,
        ge=0,
        le=2**40,
        description="Maximum memory for the newest entries of all rooms with streams (STR-04)",
    )
    web_port: PortOrOff = Field(
        9080, description="TCP port of the page and of its chats (HTTP and WebSockets); 0 = off (WEB-01)"
    )
    web_tls: WebTls = Field(
        WebTls.AUTO,
        description="`auto`: the web port speaks https if the relay has a certificate; `off`: a proxy does (WEB-01)",
    )
    web_url: WebUrl = Field(
        "",
        description="Where people open the page, such as `https://chat.example.org`: the relay prints it, answers to "
        "this name (WEB-06), and tells it to members for invitations (WEB-05); with `#port=` if your TCP port is "
        "another one there; empty = where the relay listens, and members aren't told",
    )
    web_origins: Origins = Field(
        "",
        description="Origins of other sites whose pages may chat, such as `https://chat.example.org`, with commas "
        "in between (WEB-03)",
    )
    web_trusted_proxies: Networks = Field(
        "",
        description="Addresses and networks of your proxies: from them, `X-Forwarded-For` and `X-Forwarded-Proto` "
        "count (WEB-03)",
    )
    list_rooms: bool = Field(
        False, description="Tell whoever asks which rooms there are: names, members, topics (LIST-01)"
    )
    attribution: Attribution = Field(
        Attribution.NAME,
        description="`name` puts `name: ` before messages, `none` relays them unchanged (UDP-05)",
    )
    sanitize: bool = Field(True, description="Drop invalid UTF-8 and replace control characters (UDP-11)")
    leave_commands: bool = Field(True, description="`/leave`, `/exit` and `/quit` leave the room (UDP-08)")
    moderation: bool = Field(
        True,
        description="Execute commands such as `/kick NAME`; otherwise relay them as text (MOD-01)",
    )
    announce: bool = Field(True, description="Tell members of joins, leaves and evictions (UDP-10)")
    provisional_address: bool = Field(
        False,
        description="Send to a plain client's TCP port, or the port it names, before its first datagram (LEN-02); "
        "another client behind the same address may listen there",
    )
    receive_buffer_bytes: int = Field(
        4 * 2**20,
        ge=4096,
        le=2**30,
        description="Size of the UDP socket buffers to request; the kernel may grant less (CON-04)",
    )
    cluster_url: ClusterUrl = Field(
        "",
        repr=False,
        description="NATS for a relay that is one of many nodes: `nats://user:password@host:port`, or `tls://`, with "
        "more `host:port` after commas; empty = the relay is alone (CLU-01)",
    )
    cluster_key: Text = Field(
        "", repr=False, description="Secret of the cluster, the same for all nodes; at least 32 characters"
    )
    cluster_credentials_file: Text = Field(
        "", description="The node's credentials for NATS (`.creds`), if it wants some"
    )
    cluster_ca_file: Text = Field(
        "", description="Certificate authorities (PEM) for `tls://`; empty = those of the system"
    )
    node_name: NodeName = Field(
        "", description="The node's name, another one for each: 1 to 64 of `a-z0-9-`; empty = the machine's"
    )
    node_address: NodeAddress = Field(
        "", description="Where clients reach the node: `host`, `host:tcp` or `host:tcp:udp`; IPv6 in brackets"
    )
    link_port: Port = Field(9004, description="TCP port for other nodes, if there is a cluster (CLU-04)")
    event_loop: LoopKind = Field(LoopKind.UVLOOP, description="`uvloop`, or plain `asyncio`")
    log_level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`")
    log_format: LogFormat = Field(
        LogFormat.AUTO, description="`json`, `console`, or `auto` (`console` on a terminal, else `json`)"
    )

    @property
    def link(self) -> str:
        """Where people open the page, as a browser takes it; empty if nobody said it."""
        return write_link(self.web_url, self._scheme)

    @property
    def page(self) -> str:
        """The page's address as members are told it (WEB-05); empty if they aren't."""
        is_for_others = not is_loopback(host_of_link(self.link))
        return complete_page(self.web_url, self._scheme, self.tcp_port) if is_for_others else ""

    @property
    def _scheme(self) -> str:
        has_tls = self.tls_cert_file and self.web_tls is WebTls.AUTO
        return "https" if has_tls or self.web_trusted_proxies else "http"

    @property
    def open_streams(self) -> int | None:
        """How many streams may be open at once; None if nobody may have one."""
        by_pages = self.web_port or self.cluster_url  # which another node may carry here
        return None if self.streams is StreamsAllowed.OFF and not by_pages else self.max_streams

    @property
    def open_pages(self) -> int:
        """How many connections of browsers may be open at once that carry no chat."""
        return WEB_CONNECTIONS if self.web_port else 0

    def policy(self) -> Policy:
        """Return the core's policy."""
        values = self.model_dump(include=set(Policy.__dataclass_fields__))
        return Policy(**values | {"attribution": self.attribution is Attribution.NAME})

    def tcp_limits(self) -> TcpLimits:
        """Return the limits of TCP connections."""
        return TcpLimits(**self.model_dump(include=set(TcpLimits.__dataclass_fields__)))


def load_settings(environ: Mapping[str, str] | None = None, secrets_dir: Path = SECRETS_DIR) -> Settings:
    """Read the settings from the environment, then from files named like the variables in lower case.

    Variables that describe neighbours of a container are removed from the environment: they may have our prefix.

    Raises:
        SettingsError: a variable is unknown, or a value is out of its bounds.

    """
    for name in find_service_links(os.environ, PREFIX):
        del os.environ[name]
    environ = os.environ if environ is None else environ
    known = {variable(name) for name in Settings.model_fields}
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            advice = "correct it or remove it (`relay-server config env` lists all settings)"
            raise SettingsError(f"{sanitize(name)} is not a setting: {advice}.")
    try:
        settings = Settings(_secrets_dir=secrets_dir if secrets_dir.is_dir() else None)  # type: ignore[call-arg]
    except SourceError as error:
        raise SettingsError(str(error.__cause__)) from None
    except ValidationError as error:
        first = error.errors()[0]
        field_name = str(first["loc"][0])
        why = first["msg"][:1].lower() + first["msg"][1:]
        shown = repr(first["input"]) if Settings.model_fields[field_name].repr else "invalid"
        raise SettingsError(f"{variable(field_name)} is {shown}: {why}.") from None
    if fault := find_cluster_fault(settings):
        raise SettingsError(fault)
    _check_tls(settings)
    _check_ports(settings)
    return settings


def _check_ports(settings: Settings) -> None:
    pairs = [("udp_port", "lobby_port")]
    streams = ["tcp_port", "link_port", "web_port"] if settings.cluster_url else ["tcp_port", "web_port"]
    if settings.ops_host in {settings.host, "::", "0.0.0.0"} or settings.host in {"::", "0.0.0.0"}:
        streams.append("ops_port")
    pairs += combinations(streams, 2)
    for one, other in pairs:
        if (port := getattr(settings, one)) and port == getattr(settings, other):
            raise SettingsError(f"{variable(one)} and {variable(other)} are both {port}: choose two ports.")


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        given, missing = ("CERT", "KEY") if settings.tls_cert_file else ("KEY", "CERT")
        raise SettingsError(f"RELAY_TLS_{given}_FILE needs RELAY_TLS_{missing}_FILE: set both or neither.")
    if settings.tls_required and not settings.tls_cert_file:
        raise SettingsError(
            "RELAY_TLS_REQUIRED needs a certificate: set RELAY_TLS_CERT_FILE and RELAY_TLS_KEY_FILE "
            "(`relay-server tls self-signed` creates both)."
        )


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field_name.upper()
