"""Files that a node shows to NATS, or trusts."""

import asyncio
from pathlib import Path

import pytest

from relay_server.cluster.credentials import CredentialsError, make_tls, read_credentials
from relay_server.cluster.nats import Access, NatsDirectory
from services.relay_server.cluster.hearing import Hearing
from services.relay_server.cluster.nats_operator import Operator
from services.relay_server.cluster.nats_server import nats_server
from services.relay_server.net.loopback import until


def test_a_file_of_credentials_opens_a_server_that_wants_them(tmp_path: Path) -> None:
    operator, stranger = Operator(), Operator()
    for name, one in (("relay.creds", operator), ("stranger.creds", stranger)):
        (tmp_path / name).write_text(one.credentials)

    async def scenario(address: str) -> None:
        known, unknown = Hearing(), Hearing()
        directory = NatsDirectory(Access((address,), credentials_file=str(tmp_path / "relay.creds")))
        other = NatsDirectory(Access((address,), credentials_file=str(tmp_path / "stranger.creds")))
        await directory.start("one", known)
        await other.start("two", unknown)
        await until(lambda: known.caught_up and other._reasons)
        assert [reason for reason in other._reasons if "RELAY_CLUSTER_CREDENTIALS_FILE" in reason]
        assert not unknown.listings
        await directory.close()
        await other.close()

    with nats_server(tmp_path, operator.config) as server:
        asyncio.run(scenario(server.address))


@pytest.mark.parametrize("cut", ["jwt", "seed", "check sum", "all"])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, cut: str) -> None:
    operator = Operator()
    written = {
        "jwt": operator.credentials.partition("\n\n")[2],
        "seed": operator.credentials.partition("\n\n")[0],
        "check sum": operator.credentials.replace(operator.seed, operator.seed[:-1] + "A" + "A"),
        "all": "something else\n",
    }
    path = tmp_path / "relay.creds"
    path.write_text(written[cut])
    with pytest.raises(CredentialsError, match=r"^RELAY_CLUSTER_CREDENTIALS_FILE holds no credentials") as caught:
        NatsDirectory(Access(("127.0.0.1:1",), credentials_file=str(path)))
    assert operator.seed[:8] not in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"^RELAY_CLUSTER_CREDENTIALS_FILE can't be read"):
        read_credentials(tmp_path / "nowhere")
    (tmp_path / "ca.pem").write_text("no certificate")
    for path in (tmp_path / "ca.pem", tmp_path / "nowhere"):
        with pytest.raises(CredentialsError, match=r"^RELAY_CLUSTER_CA_FILE can't be used"):
            NatsDirectory(Access(("127.0.0.1:1",), tls=True, ca_file=str(path)))


def test_the_systems_authorities_are_trusted_unless_others_are_named() -> None:
    assert make_tls("").verify_mode.name == "CERT_REQUIRED"
    assert make_tls("").check_hostname


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    operator = Operator()
    (tmp_path / "relay.creds").write_text(operator.credentials)
    credentials = read_credentials(tmp_path / "relay.creds")
    assert repr(credentials) == "Credentials()"
    assert "secret" not in repr(Access(("host:1",), user="relay", password="secret"))
