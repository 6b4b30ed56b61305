"""Bots that join by TLS a relay that lets in nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.relays import OwnRelay
from conformance.tls import Authority
from e2e import here
from e2e.test_bot_client import bot_client


@pytest.fixture(scope="module")
def tls_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnRelay, Path]]:
    """Run a relay that requires TLS; yields it and the file of who vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    settings = {f"RELAY_{name.upper()}": value for name, value in authority.settings.items()}
    relay = OwnRelay(folder / "log", settings | {"RELAY_TLS_REQUIRED": "true"})
    authority.ca.cert_pem.write_to_path(folder / "authorities.pem")
    yield relay, folder / "authorities.pem"
    assert relay.stop() == 0


@pytest.mark.requirement("TCP-12")
@pytest.mark.parametrize(
    ("variables", "code", "says"),
    [
        ({"BOT_TLS_CA_FILE": "{authorities}"}, 0, ""),
        ({"BOT_TLS": "true", "SSL_CERT_FILE": "{authorities}"}, 0, ""),
        ({"BOT_TLS": "true"}, 1, "doesn't prove that it is the one you mean"),
        ({"BOT_TLS_FINGERPRINT": "00" * 32}, 1, "shows another certificate"),
        ({}, 1, "doesn't support this"),
    ],
)
def test_bots_join_by_tls(tls_relay: tuple[OwnRelay, Path], variables: dict[str, str], code: int, says: str) -> None:
    relay, authorities = tls_relay
    filled = {name: value.format(authorities=authorities) for name, value in variables.items()}
    server = f"{relay.relay.host}:{relay.relay.tcp_port}"
    seconds = "60" if code else "1"  # who is refused ends before
    words = ("--scenario", "probe", "--duration-seconds", seconds, "--patience-seconds", "1", "--server", server)
    bots = here.bot_client if code else bot_client
    done = bots("run", *words, **filled)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
