"""The page on the web: Caddy before the relay, by https, as deploy/compose/public.yaml brings them."""

import json
import random
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import Message
from functools import cached_property
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final, Self

import pytest
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conformance import wire
from conformance.people import People, call
from e2e.containers import engine
from e2e.containers.engine import Images
from e2e.containers.project import Project
from e2e.containers.waiting import eventually
from ports import free_ports
from web_client import page_files

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

DOMAIN: Final = "chat.test"
ROOM: Final = "tea"
SECONDS: Final = 15
FORGED: Final = "203.0.113.9"
AUTHORITY: Final = "/tmp/caddy/pki/authorities/local/root.crt"
CERTIFICATE: Final = f"/caddy/certificates/local/{DOMAIN}/{DOMAIN}"


class Public(Project):
    """The relay and Caddy, whose certificates are of an authority of its own."""

    def __init__(self, directory: Path, images: Images, *files: str, **settings: str) -> None:
        self.http_port, self.https_port = free_ports(2)
        self.network = f"10.215.{random.randrange(256)}"
        chosen = {"CHAT_DOMAIN": DOMAIN, "CHAT_ISSUER": "internal", "CHAT_NETWORK": self.network}
        ports = {"CHAT_HTTP_PORT": str(self.http_port), "CHAT_HTTPS_PORT": str(self.https_port)}
        super().__init__(directory, images, files, **chosen, **ports, **settings)

    @property
    def origin(self) -> str:
        return f"https://{DOMAIN}:{self.https_port}"

    @property
    def published(self) -> tuple[str, int]:
        return "127.0.0.1", self.https_port

    @property
    def caddy(self) -> tuple[str, int]:
        """Where this machine reaches Caddy without the engine's help, which changes addresses."""
        return f"{self.network}.250", self.https_port

    @property
    def gateway(self) -> str:
        """This machine's address in the containers' network."""
        return f"{self.network}.1"

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Trust Caddy's authority, and nobody else."""
        return ssl.create_default_context(cadata=self.run("exec", "-T", "caddy", "cat", AUTHORITY).stdout)

    def begin(self, *services: str) -> None:
        """Start services without waiting for more than what they need."""
        done = self.run("up", "--detach", "--no-build", *services)
        assert done.returncode == 0, done.stderr

    def has_certificate(self) -> bool:
        return self.run("exec", "-T", "caddy", "test", "-e", f"/tmp{CERTIFICATE}.key").returncode == 0

    def get(self, host: str) -> tuple[int, Message, bytes]:
        """Ask for the page by https; the certificate is the domain's, whatever the header Host says."""
        plain = socket.create_connection(self.published, SECONDS)
        with self.context.wrap_socket(plain, server_hostname=DOMAIN) as sock:
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = HTTPResponse(sock)
            answer.begin()
            return answer.status, answer.headers, answer.read()

    def address_of(self, name: str) -> str:
        """Return where the relay sees a member."""
        said = self.run("exec", "-T", "relay", "relay-server", "admin", "members", ROOM, "--json").stdout
        return str({member["name"]: member["ip"] for member in json.loads(said)}[name])


class Visitors:
    """People at pages; they come from addresses of this machine."""

    def __init__(self, public: Public) -> None:
        self._public = public
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open(self, place: tuple[str, int], source: str = "", *, origin: str = "", **headers: str) -> ClientConnection:
        """Open a WebSocket by https, at an address that leads to Caddy."""
        sock = socket.create_connection(place, SECONDS, (source, 0) if source else None)
        self._opened.callback(sock.close)
        try:
            page = connect(
                f"wss://{DOMAIN}:{self._public.https_port}/chat", sock=sock, ssl=self._public.context, compression=None,
                origin=Origin(origin or self._public.origin), additional_headers=headers, proxy=None,
            )  # fmt: skip
        except TimeoutError as error:
            error.add_note(self._public.said())
            raise
        return self._opened.enter_context(page)

    def open_plainly(self, place: tuple[str, int], **headers: str) -> ClientConnection:
        """Open a WebSocket at the relay's own port."""
        url, origin = f"ws://{place[0]}:{place[1]}", f"http://{place[0]}:{place[1]}"
        page = connect(
            f"{url}/chat", compression=None, origin=Origin(origin), additional_headers=headers, proxy=None
        )  # fmt: skip
        return self._opened.enter_context(page)


def join(page: ClientConnection, name: str) -> dict[str, Any]:
    page.send(json.dumps({"join": {"room": ROOM, "name": name}}))
    return receive(page, "status")


def receive(page: ClientConnection, key: str) -> dict[str, Any]:
    """Return the next message that has this key."""
    while True:
        found: dict[str, Any] = json.loads(page.recv(SECONDS))
        if key in found:
            return found


@pytest.fixture(scope="module")
def public(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Public]:
    """Bring both up once; the last test starts the relay again."""
    with Public(tmp_path_factory.mktemp("public"), images, "deploy/compose/public.yaml") as public:
        public.up("relay", "caddy")
        yield public


@pytest.fixture
def visitors(public: Public) -> Iterator[Visitors]:
    with Visitors(public) as visitors:
        yield visitors


@pytest.fixture
def people(public: Public) -> Iterator[People]:
    with People(public.relay) as people:
        yield people


def test_the_page_is_served_by_https_and_its_link_is_printed(public: Public) -> None:
    status, headers, page = public.get(f"{DOMAIN}:{public.https_port}")
    assert (status, page) == (200, page_files()["index.html"])
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    with socket.create_connection(("127.0.0.1", public.http_port), SECONDS) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
        assert re.match(rf"HTTP/1.1 308 .*\nLocation: https://{DOMAIN}/", plain.recv(4096).decode(), re.DOTALL)
    assert f"https://{DOMAIN}/" in public.said("relay")


def test_a_page_chats_with_a_plain_client(public: Public, visitors: Visitors, people: People) -> None:
    ann = people.create(ROOM.encode(), b"ann")
    page = visitors.open(public.published)
    assert join(page, "bob")["chat"] == "stream"
    page.send('{"say":"hello from the web","n":1}')
    assert ann.receive_until(lambda data: data.startswith(b"bob: ")) == b"bob: hello from the web"
    ann.say(b"hello from a terminal")
    assert receive(page, "text") == {"seq": 3, "from": "ann", "text": "hello from a terminal"}


def test_a_forged_address_is_ignored_and_a_ban_holds_by_the_true_one(
    public: Public, visitors: Visitors, people: People
) -> None:
    ann, here = people.create(ROOM.encode(), b"ann"), _outer_address()
    assert join(visitors.open(public.caddy, here, **{"X-Forwarded-For": FORGED}), "bob")["status"] == 0
    assert public.address_of("bob") == here
    ann.say(b"/ban bob")
    ann.await_notice(b"bob is banned by name and address.")
    for forged in (FORGED, public.gateway, "127.0.0.1"):
        refused = join(visitors.open(public.caddy, here, **{"X-Forwarded-For": forged}), "other")
        assert (refused["reason"], refused.get("banned")) == ("bad_name", True)
    assert join(visitors.open(public.caddy, public.gateway), "other")["status"] == 0


def test_nobody_else_is_taken_for_the_proxy(public: Public, visitors: Visitors, people: People) -> None:
    people.create(ROOM.encode(), b"ann")
    page = visitors.open_plainly(("127.0.0.1", public.web_port), **{"X-Forwarded-For": FORGED})
    assert join(page, "bob")["status"] == 0
    assert public.address_of("bob") == public.gateway  # the engine's own proxy comes from there
    published = [one for one in public.containers("relay")[0].Publishers or [] if one.TargetPort == 9080]
    assert {one.URL for one in published} == {"127.0.0.1"}


def test_pages_of_other_sites_and_other_names_are_refused(public: Public, visitors: Visitors) -> None:
    for origin in ("https://evil.example", f"http://{DOMAIN}:{public.https_port}", "null"):
        with pytest.raises(InvalidHandshake, match="403"):
            visitors.open(public.published, origin=origin)
    assert public.get("evil.example")[::2] == (200, b"")  # Caddy has no such site


def test_caddy_has_no_rights_and_no_capability(public: Public) -> None:
    (caddy,) = public.containers("caddy")
    engine.check_rights(str(caddy.ID), "caddy", bounding=["NET_BIND_SERVICE"])
    status = public.run("exec", "-T", "caddy", "cat", "/proc/1/status").stdout
    assert re.search(r"^Uid:(\s+10001){4}$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}


def test_the_relay_uses_caddys_certificate_for_its_tcp_port_too(public: Public, visitors: Visitors) -> None:
    files = {"RELAY_TLS_CERT_FILE": f"/tls{CERTIFICATE}.crt", "RELAY_TLS_KEY_FILE": f"/tls{CERTIFICATE}.key"}
    lines = {"TLS_DIR": "caddy-data", "RELAY_WEB_TLS": "off"} | files
    with (public.directory / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in lines.items())
    public.begin("relay")
    eventually(lambda: "page_served" in public.said("relay"), lambda: public.said("relay"))
    with call(public.relay) as plain, public.context.wrap_socket(plain, server_hostname=DOMAIN) as connection:
        connection.sendall(wire.frame(wire.JOIN, wire.REQUEST, b"no such room", b"bob"))
        assert wire.read_frames(connection)[0].payload == bytes([wire.NO_SUCH_ROOM])
    assert join(visitors.open(public.published), "bob")["reason"] == "no_such_room"


def test_on_the_machines_own_network_pages_keep_their_addresses(images: Images, tmp_path: Path) -> None:
    subnet = f"10.216.{random.randrange(256)}"
    settings = {"OPS_SUBNET": f"{subnet}.0/24", "OPS_GATEWAY": f"{subnet}.1"}
    files = ("deploy/compose/host.yaml", "deploy/compose/public-host.yaml")
    with Public(tmp_path, images, *files, **settings) as public, Visitors(public) as visitors:
        public.begin("relay", "caddy")
        eventually(public.has_certificate, public.said)
        with People(public.relay) as people:
            people.create(ROOM.encode(), b"ann")
            page = visitors.open(("127.0.0.2", public.https_port), "127.0.0.2", **{"X-Forwarded-For": FORGED})
            assert join(page, "bob")["status"] == 0
            assert public.address_of("bob") == "127.0.0.2"


def _outer_address() -> str:
    """Return this machine's address on its way to others, which the engine doesn't translate."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((FORGED, 9))  # nothing is sent
        return str(sock.getsockname()[0])
