"""Real programs that are sent on to real relays, plain and by TLS (CLU-01)."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from chatproto import Server
from chatproto.fingerprint import fingerprint_of
from conformance.relays import OwnRelay
from conformance.tls import Authority
from e2e.piped import Chat
from e2e.redirector import Redirector
from e2e.relay_metrics import scrape
from e2e.test_bot_client import bot_client

pytestmark = pytest.mark.requirement("CLU-01")

StartChat = Callable[..., Chat]


def shown_by(authority: Authority) -> str:
    """Return the fingerprint of the certificate in an authority's files."""
    first = authority.certificate.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :]))


class Pair:
    """Two relays, and a listener before them that knows which rooms are where."""

    def __init__(self, folder: Path, *, secure: bool) -> None:
        self.fingerprints = ["", "", ""]
        settings: list[dict[str, str]] = [{}, {}]
        context = None
        if secure:
            authorities = [Authority(self._make(folder / str(number))) for number in range(3)]
            self.fingerprints = [shown_by(authority) for authority in authorities]
            settings = [
                {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}
                | {"RELAY_TLS_REQUIRED": "true"}
                for authority in authorities[1:]
            ]
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authorities[0].certificate, authorities[0].key)
        self.relays = [OwnRelay(folder / f"log{number}", each) for number, each in enumerate(settings, 1)]
        self.servers = [
            Server(f"127.0.0.1:{relay.relay.tcp_port}", fingerprint)
            for relay, fingerprint in zip(self.relays, self.fingerprints[1:], strict=True)
        ]
        self.redirector = Redirector(self.where, context)

    @staticmethod
    def _make(folder: Path) -> Path:
        folder.mkdir()
        return folder

    def where(self, room: str) -> Server:
        return self.servers[room.startswith("second")]

    def joins(self) -> list[float]:
        """Return how many requests each relay has answered."""
        return [scrape(relay).total("relay_transactions_total") for relay in self.relays]


@pytest.fixture(params=[False, True], ids=["plain", "tls"], scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"), secure=request.param)
    with pair.redirector:
        yield pair
    assert [relay.stop() for relay in pair.relays] == [0, 0]


@pytest.mark.parametrize("transport", ["udp", "stream"])
def test_people_are_sent_to_where_their_room_is_and_chat_there(
    pair: Pair, chat: StartChat, tmp_path: Path, transport: str
) -> None:
    tls = ("--tls",) if pair.fingerprints[0] else ()
    known = tmp_path / "chat" / "known_servers"
    known.parent.mkdir()
    line = f"{pair.redirector.server} {pair.fingerprints[0]}\n"
    known.write_text(line)
    before = pair.joins()
    for home, start in enumerate(("first", "second")):
        room = f"{start}-{uuid4().hex[:8]}"
        words = (room, "--server", pair.redirector.server, "--transport", transport, *tls)
        ann = chat("create", *words, "--name", "ann", XDG_STATE_HOME=str(tmp_path))
        ann.is_told("You created")
        bob = chat("join", *words, "--name", "bob", XDG_STATE_HOME=str(tmp_path))
        bob.is_told("You are in")
        ann.is_told("bob joined")
        ann.say("hello")
        bob.hears("ann: hello")
        bob.say("hi")
        ann.hears("bob: hi")
        now = pair.joins()
        assert [after > earlier for after, earlier in zip(now, before, strict=True)] == [home == 0, home == 1]
        before = now
    assert pair.redirector.sent_on[-4:] == ["ann", "bob"] * 2
    assert known.read_text() == line  # where one is sent to is nobody whom a person came to know


def test_bots_are_sent_on_too(pair: Pair) -> None:
    before = pair.joins()
    trust = {"BOT_TLS_FINGERPRINT": pair.fingerprints[0]} if pair.fingerprints[0] else {}
    done = bot_client(
        "run", "--scenario", "probe", "--duration-seconds", "2", "--server", pair.redirector.server, **trust
    )
    assert done.returncode == 0, done.stderr
    assert "lost 0" in " ".join((done.stdout + done.stderr).split())
    assert pair.joins() > before


def test_a_server_that_shows_another_certificate_than_was_told_gets_no_request(chat: StartChat, tmp_path: Path) -> None:
    pair = Pair(tmp_path, secure=True)
    pair.servers[0] = Server(pair.servers[0].address, pair.fingerprints[2])
    with pair.redirector:
        words = ("--server", pair.redirector.server, "--tls", "--fingerprint", pair.fingerprints[0])
        bob = chat("join", "first-room", "--name", "bob", *words)
        said = bob.is_told("isn't the one you trust")
        assert pair.servers[0].address in said
        bob.ends(1)
    assert pair.joins() == [0, 0]
    assert [relay.stop() for relay in pair.relays] == [0, 0]


def test_by_tls_nobody_goes_where_no_certificate_is_told(chat: StartChat, tmp_path: Path) -> None:
    pair = Pair(tmp_path, secure=True)
    pair.servers[0] = Server(pair.servers[0].address)
    with pair.redirector:
        words = ("--server", pair.redirector.server, "--tls", "--fingerprint", pair.fingerprints[0])
        bob = chat("join", "first-room", "--name", "bob", *words)
        bob.is_told("it names no certificate")
        bob.ends(1)
    assert pair.joins() == [0, 0]
    assert [relay.stop() for relay in pair.relays] == [0, 0]


def test_servers_that_send_one_in_circles_end_in_one_sentence(chat: StartChat) -> None:
    servers: list[Server] = []
    with Redirector(lambda _: servers[1]) as first, Redirector(lambda _: servers[0]) as second:
        servers += [Server(first.server), Server(second.server)]
        bob = chat("join", "tea", "--name", "bob", "--server", first.server)
        said = bob.is_told("another server")
        assert "its servers send one to each other" in said
        bob.ends(1)
        assert bob.err.get(timeout=30) is None
        assert (first.sent_on, second.sent_on) == (["bob"] * 2, ["bob"] * 2)
