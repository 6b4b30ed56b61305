"""A certificate and its key in files: what is served, and the one sentence about what can't be."""

import os
import ssl
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from relay_server.tls.certificate import Certificate, CertificateError
from relay_server.tls.files import CertificateFiles, load_certificate
from services.relay_server.tls.certificates import issue


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return issue(tmp_path, "chat.example.org", "192.0.2.1", "2001:db8::1")


def load(files: CertificateFiles, now: datetime | None = None) -> Certificate:
    return load_certificate(files, ssl.TLSVersion.TLSv1_3, now)


def complaint(files: CertificateFiles, now: datetime | None = None) -> str:
    with pytest.raises(CertificateError) as caught:
        load(files, now)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_good_one_is_ready_to_serve(files: CertificateFiles) -> None:
    certificate = load(files)
    assert set(certificate.names) == {"chat.example.org", "192.0.2.1", "2001:db8::1"}
    assert timedelta(days=9) < certificate.not_after - datetime.now(UTC) < timedelta(days=11)
    assert certificate.exposed_key is None
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert certificate.context.options & ssl.OP_NO_RENEGOTIATION
    assert certificate.context.num_tickets == 0


def test_its_fingerprint_is_what_openssl_says(files: CertificateFiles) -> None:
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(files.certificate)]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("the program openssl is missing")
    assert shown.strip().partition("=")[2] == load(files).fingerprint


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_key_that_everybody_may_read_is_noticed(files: CertificateFiles, mode: int, exposed: bool) -> None:
    files.key.chmod(mode)
    assert load(files).exposed_key == (files.key if exposed else None)
    assert stat.S_IMODE(files.key.stat().st_mode) == mode


def test_files_that_are_not_there_are_named(files: CertificateFiles) -> None:
    nowhere = Path("/nowhere.pem")
    assert complaint(CertificateFiles(nowhere, files.key)).startswith(
        "The certificate (RELAY_TLS_CERT_FILE) /nowhere.pem can't be read (No such file or directory)"
    )
    assert complaint(CertificateFiles(files.certificate, nowhere)).startswith(
        "The key (RELAY_TLS_KEY_FILE) /nowhere.pem can't be read (No such file or directory)"
    )
    assert "can't be read" in complaint(CertificateFiles(Path("a\0b"), files.key))
    assert "(Is a directory)" in complaint(CertificateFiles(files.certificate.parent, files.key))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_the_relay_may_not_read_is_named(files: CertificateFiles) -> None:
    files.key.chmod(0)
    assert "(Permission denied)" in complaint(files)


@pytest.mark.parametrize("junk", [b"", b"junk\n", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_junk_is_no_certificate_and_no_key(files: CertificateFiles, junk: bytes) -> None:
    good_key = files.key.read_bytes()
    files.key.write_bytes(junk)
    assert "(RELAY_TLS_KEY_FILE) holds no private key in PEM form" in complaint(files)
    files.key.write_bytes(good_key)
    files.certificate.write_bytes(junk)
    assert "(RELAY_TLS_CERT_FILE) holds no certificate in PEM form" in complaint(files)


def test_the_two_files_turned_round_are_noticed(files: CertificateFiles) -> None:
    assert "holds no certificate" in complaint(CertificateFiles(files.key, files.certificate))


def test_somebody_elses_key_does_not_match(files: CertificateFiles, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = issue(tmp_path / "other")
    assert "isn't that of the certificate" in complaint(CertificateFiles(files.certificate, other.key))


def test_a_key_of_another_kind_does_not_match(files: CertificateFiles) -> None:
    write_key(files.key, lambda: rsa.generate_private_key(65_537, 2048))
    assert "isn't that of the certificate" in complaint(files)


def write_key(path: Path, make: Callable[[], rsa.RSAPrivateKey]) -> None:
    path.write_bytes(make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_an_encrypted_key_asks_nobody_for_its_password(files: CertificateFiles) -> None:
    key = load_pem_private_key(files.key.read_bytes(), password=None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    assert "is encrypted" in complaint(files)


def test_one_that_is_over_or_yet_to_come_is_refused(files: CertificateFiles) -> None:
    until = load(files).not_after
    assert complaint(files, until + timedelta(days=1)).endswith(f"expired on {until:%Y-%m-%d}: renew it.")
    assert "isn't valid before" in complaint(files, datetime(1999, 1, 1, tzinfo=UTC))
