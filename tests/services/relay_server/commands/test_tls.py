"""``relay-server tls``: a certificate made, shown, and what is said when it can't be."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatproto.tls import TlsEnd
from relay_server.commands.tls import make_certificate, show_fingerprint
from relay_server.settings import load_settings
from relay_server.tls.certificate import CertificateError
from relay_server.tls.files import load_certificate
from relay_server.tls.self_signed import write_self_signed
from services.relay_server.tls.certificates import issue, settings


def test_a_made_certificate_can_be_served_and_names_the_relay(tmp_path: Path) -> None:
    files = write_self_signed(tmp_path / "new" / "folder", ["chat.example.org", "2001:db8::1", "bücher.example"], 30)
    certificate = load_certificate(files, ssl.TLSVersion.TLSv1_3)
    assert set(certificate.names) == {"chat.example.org", "2001:db8::1", "xn--bcher-kva.example"}
    assert timedelta(days=29) < certificate.not_after - datetime.now(UTC) <= timedelta(days=30)
    assert certificate.exposed_key is None


def test_nobody_else_may_read_the_key(tmp_path: Path) -> None:
    files = write_self_signed(tmp_path, ["localhost"], 1)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_clients_that_are_given_it_as_an_authority_believe_it_strictly(tmp_path: Path, name: str) -> None:
    files = write_self_signed(tmp_path, [name], 1)
    context = ssl.create_default_context(cafile=files.certificate)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = TlsEnd(load_certificate(files, ssl.TLSVersion.TLSv1_3).context, server_side=True)
    client = TlsEnd(context, server_side=False, server_name=name)
    client.feed(b"")
    while not client.ready:
        server.feed(client.take())
        client.feed(server.take())


@pytest.mark.parametrize("taken", ["certificate.pem", "key.pem"])
def test_nothing_is_written_over(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).symlink_to("/nowhere")
    with pytest.raises(CertificateError, match=f"{taken} is there already: choose another folder"):
        write_self_signed(tmp_path, ["localhost"], 1)
    assert [path.name for path in tmp_path.iterdir()] == [taken]


@pytest.mark.parametrize("name", ["", "a b", "a..b", "https://chat.example.org", "x" * 64, "chat.example.org:9000"])
def test_what_is_no_host_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="is neither a host name nor an IP address"):
        write_self_signed(tmp_path / "new", [name], 1)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CertificateError, match=r"can't be written \(.+\): choose another folder\."):
        write_self_signed(tmp_path / "file" / "folder", ["localhost"], 1)


def test_it_is_told_how_to_use_what_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_certificate(tmp_path, ["::1"], 10) == 0
    told = capsys.readouterr().out
    variables = dict(line.strip().split("=") for line in told.splitlines() if "RELAY_" in line)
    assert show_fingerprint(load_settings(variables).model_copy(update=_fields(variables))) == 0
    fingerprint = capsys.readouterr().out.splitlines()[-1].removeprefix("SHA-256 fingerprint: ")
    assert f"chat join ROOM --server [::1] --tls --fingerprint {fingerprint}\n" in told


def _fields(variables: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("RELAY_").lower(): value for name, value in variables.items()}


def test_the_fingerprint_of_no_certificate_cannot_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CertificateError, match="The settings name no certificate"):
        show_fingerprint(load_settings({}))
    for name, value in settings(issue(tmp_path, "chat.example.org")).items():
        monkeypatch.setenv(name, value)
    assert show_fingerprint(load_settings()) == 0
    assert ", for chat.example.org, until " in capsys.readouterr().out
