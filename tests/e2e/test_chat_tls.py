"""``chat --tls``: who is trusted, who is asked, and that nothing goes to anybody else (TCP-12)."""

import os
import re
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import trustme

from chatproto.fingerprint import fingerprint_of
from conformance.relays import CommonRelays, OwnRelay
from conformance.tls import Authority
from e2e.relay_metrics import await_metrics, scrape
from e2e.screen import Terminal

pytestmark = pytest.mark.requirement("TCP-12")

SitDown = Callable[..., Terminal]
SECONDS = 30.0
TRUST, DISTRUST = "\x1b[C\r", "\r"
"""To the right and Enter: the first button trusts nobody."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def relay(common_relays: CommonRelays, authority: Authority) -> Iterator[OwnRelay]:
    relay = common_relays.get(tls_required="true", **authority.settings)
    yield relay
    assert "Traceback" not in relay.said()


class Chat:
    """How somebody with a state directory of their own calls ``chat`` for one relay."""

    def __init__(self, relay: OwnRelay, authority: Authority, home: Path) -> None:
        self.relay, self.known = relay, home / "chat" / "known_servers"
        self.server, self.room = f"127.0.0.1:{relay.relay.tcp_port}", f"tea-{uuid4().hex[:8]}"
        self._environment = {**os.environ, "XDG_STATE_HOME": str(home), "LANG": "C.UTF-8"}
        self._authority = authority
        self._asked_before = self._count_requests()

    @property
    def fingerprint(self) -> str:
        """What the relay's certificate, as it is in its file, is known by."""
        first, *_ = re.findall(r"-+BEGIN.+?END CERTIFICATE-+\n", self._authority.certificate.read_text(), re.DOTALL)
        return fingerprint_of(ssl.PEM_cert_to_DER_cert(first))

    @property
    def requests(self) -> float:
        """How many times the relay has been asked for something since."""
        return self._count_requests() - self._asked_before

    def _count_requests(self) -> float:
        return scrape(self.relay).total("relay_transactions_total")

    def trust_system(self, authorities: Path) -> None:
        """Let the system trust these authorities alone."""
        self._environment["SSL_CERT_FILE"] = str(authorities)

    def __call__(self, *options: str, command: str = "create") -> "subprocess.CompletedProcess[str]":
        """Say one line through pipes."""
        return subprocess.run(
            [sys.executable, "-m", "messenger", command, self.room, "--name", "ann", "--server", self.server, *options],
            env=self._environment, input="hi\n", capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def on_terminal(self, *options: str) -> Terminal:
        words = ["create", self.room, "--name", "ann", "--server", self.server, "--tls", *options]
        return Terminal("messenger", *words, columns=160, environment=self._environment)


@pytest.fixture
def chat(relay: OwnRelay, authority: Authority, tmp_path: Path) -> Chat:
    return Chat(relay, authority, tmp_path / "home")


@pytest.fixture
def person(chat: Chat) -> Iterator[SitDown]:
    with ExitStack() as stack:

        def sit_down(*options: str) -> Terminal:
            terminal = chat.on_terminal(*options)
            stack.callback(terminal.process.close, force=True)
            return terminal

        yield sit_down


def assert_came_in(done: "subprocess.CompletedProcess[str]") -> None:
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "You created tea-" in done.stderr


def assert_stayed_out(chat: Chat, done: "subprocess.CompletedProcess[str]", *words: str, code: int = 1) -> None:
    assert (done.returncode, done.stdout) == (code, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert chat.requests == 0


def leave(terminal: Terminal) -> None:
    terminal.sees("You created tea-", "Connected")
    terminal.enters("/leave")
    terminal.ends(0)


def stay_out(terminal: Terminal, *words: str) -> None:
    terminal.sees(*words, "Remove from list")
    terminal.types("\x11")
    terminal.ends(1)


def test_an_authority_of_the_system_is_enough(chat: Chat, authority: Authority, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authority.ca.cert_pem.write_to_path(authorities)
    chat.trust_system(authorities)
    assert_came_in(chat("--tls"))
    assert not chat.known.exists()


def test_so_is_one_in_a_file(chat: Chat, authority: Authority, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authority.ca.cert_pem.write_to_path(authorities)
    assert_came_in(chat("--ca-file", str(authorities)))


def test_another_authority_in_a_file_is_not_and_nobody_is_asked(chat: Chat, person: SitDown, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    trustme.CA().cert_pem.write_to_path(authorities)
    assert_stayed_out(chat, chat("--ca-file", str(authorities)), "couldn't prove its identity")
    stay_out(person("--ca-file", str(authorities)), "couldn't prove its identity")


def test_a_fingerprint_is_enough_and_is_not_remembered(chat: Chat) -> None:
    assert_came_in(chat("--tls", "--fingerprint", chat.fingerprint))
    assert_came_in(chat("--fingerprint", chat.fingerprint.replace(":", "").lower()))
    assert not chat.known.exists()


def test_another_fingerprint_is_not(chat: Chat) -> None:
    assert_stayed_out(chat, chat("--fingerprint", "00" * 32), "the one you trust", chat.fingerprint)


def test_a_person_is_asked_only_the_first_time(chat: Chat, person: SitDown) -> None:
    terminal = person()
    terminal.sees(chat.fingerprint, "Trust this relay")
    terminal.types(TRUST)
    leave(terminal)
    assert stat.S_IMODE(chat.known.stat().st_mode) == 0o600
    assert f"{chat.server} {chat.fingerprint}\n" in chat.known.read_text()
    terminal = person()
    leave(terminal)
    assert chat.fingerprint not in terminal.written
    assert_came_in(chat("--tls"))  # nor is a script refused any more


def test_declining_a_certificate_doesnt_join(chat: Chat, person: SitDown) -> None:
    terminal = person()
    terminal.sees("Don't trust it")
    terminal.types(DISTRUST)
    stay_out(terminal, "nothing was sent")
    terminal = person()
    terminal.sees("Don't trust it")
    terminal.types("\x11")
    terminal.ends(0)
    assert not chat.known.exists()
    assert chat.requests == 0


def test_in_pipes_nobody_can_be_asked(chat: Chat) -> None:
    assert_stayed_out(chat, chat("--tls"), "you can't be asked here", chat.fingerprint, "--fingerprint")
    assert not chat.known.exists()


def test_a_certificate_that_changed_is_refused_loudly_until_its_line_is_taken_out(
    chat: Chat, authority: Authority, person: SitDown
) -> None:
    before = chat.fingerprint
    chat.known.parent.mkdir(parents=True)
    chat.known.write_text(f"{chat.server} {before}\n")
    assert_came_in(chat("--tls"))
    joined = chat.requests
    reloads = scrape(chat.relay).value("relay_tls_reloads_total", result="ok")
    authority.issue()
    chat.relay.process.send_signal(signal.SIGHUP)
    await_metrics(chat.relay, lambda now: now.value("relay_tls_reloads_total", result="ok") == reloads + 1)
    refused = chat("--tls")
    assert refused.returncode == 1
    for word in ("STOP", before, chat.fingerprint, "Nothing was sent", str(chat.known)):
        assert word in refused.stderr
    stay_out(person(), "STOP: the certificate of the relay at .* has changed", str(chat.known)[-20:])
    assert chat.requests == joined
    chat.known.write_text("")
    terminal = person()
    terminal.sees(chat.fingerprint)
    terminal.types(TRUST)
    leave(terminal)


def test_a_known_relay_may_switch_to_a_certificate_of_an_authority(
    chat: Chat, authority: Authority, tmp_path: Path
) -> None:
    chat.known.parent.mkdir(parents=True)
    chat.known.write_text(f"{chat.server} {'00' * 32}\n")
    authorities = tmp_path / "authorities.pem"
    authority.ca.cert_pem.write_to_path(authorities)
    chat.trust_system(authorities)
    assert_came_in(chat("--tls"))


def test_a_file_of_known_servers_that_cannot_be_read_is_named(chat: Chat) -> None:
    chat.known.mkdir(parents=True)
    assert_stayed_out(chat, chat("--tls"), "known_servers can't be read (is a directory)", code=2)


def test_a_relay_without_tls_is_never_joined_in_plain(
    common_relays: CommonRelays, tmp_path: Path, authority: Authority
) -> None:
    plain = common_relays.get()
    before = scrape(plain)
    done = Chat(plain, authority, tmp_path / "home")("--tls")
    assert done.returncode == 1
    assert "No relay answers over TLS at" in done.stderr
    assert "doesn't speak TLS" in done.stderr
    unknown = {"operation": "unknown", "status": "payload_too_large"}
    name, after = "relay_transactions_total", scrape(plain)
    assert after.total(name) - before.total(name) == after.value(name, **unknown) - before.value(name, **unknown) > 0


def test_in_plain_the_relay_says_what_it_wants(chat: Chat) -> None:
    done = chat()
    assert done.returncode == 1
    assert "This relay lets in by TLS alone" in done.stderr
