"""``relay-server tls``: make a certificate, or show the one in the settings."""

import argparse
import ssl
from pathlib import Path
from typing import Any, Final

from relay_server.settings import Settings, load_settings
from relay_server.tls.certificate import CertificateError

DEFAULT_DAYS: Final = 3650
"""Who trusts a certificate by its fingerprint is alarmed by another one, so it is to last."""


def add_to(commands: Any) -> None:
    """Add the command to a command line's parser."""
    tls = commands.add_parser("tls", help="make a certificate, or show the one in the settings")
    actions = tls.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser("self-signed", help="make a certificate that vouches for itself, and its key")
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to put the two files")
    make.add_argument(
        "--name", dest="names", action="append", required=True, metavar="HOST",
        help="a host name or IP address of the relay; may be given several times",
    )  # fmt: skip
    make.add_argument("--days", type=_days, default=DEFAULT_DAYS, help=f"how long it lasts (default: {DEFAULT_DAYS})")
    make.set_defaults(carry_out=lambda words: make_certificate(words.out, words.names, words.days))
    show = actions.add_parser(
        "fingerprint", help="show what people can compare: the certificate's SHA-256 and its dates"
    )
    show.set_defaults(carry_out=lambda _: show_fingerprint(load_settings()))


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= DEFAULT_DAYS * 10):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {DEFAULT_DAYS * 10}")
    return int(text)


def make_certificate(folder: Path, names: list[str], days: int) -> int:
    """Make a self-signed certificate and say how to use it; returns the exit code.

    Raises:
        CertificateError: it can't be made.

    """
    from relay_server.tls.files import load_certificate  # noqa: PLC0415 - see `tls.server.load`
    from relay_server.tls.self_signed import write_self_signed  # noqa: PLC0415

    files = write_self_signed(folder.absolute(), names, days)
    certificate = load_certificate(files, ssl.TLSVersion.TLSv1_3)
    server = f"[{names[0]}]" if ":" in names[0] else names[0]
    print(f"""\
{files.certificate}  the certificate, until {certificate.not_after:%Y-%m-%d}: for everybody to see
{files.key}  its key: for the relay's user alone, make it that user's

SHA-256 fingerprint: {certificate.fingerprint}

The relay takes them by these settings:
  RELAY_TLS_CERT_FILE={files.certificate}
  RELAY_TLS_KEY_FILE={files.key}

No authority vouches for this certificate, so give people the fingerprint by another way, such as in person:
  chat join ROOM --server {server} --tls --fingerprint {certificate.fingerprint}""")
    return 0


def show_fingerprint(settings: Settings) -> int:
    """Show the certificate that the settings name; returns the exit code.

    Raises:
        CertificateError: it can't be used, or they name none.

    """
    if not settings.tls_cert_file:
        raise CertificateError("The settings name no certificate: set RELAY_TLS_CERT_FILE and RELAY_TLS_KEY_FILE.")
    from relay_server.tls.server import load  # noqa: PLC0415

    certificate = load(settings)
    print(f"{settings.tls_cert_file}, for {', '.join(certificate.names)}, until {certificate.not_after:%Y-%m-%d}")
    print(f"SHA-256 fingerprint: {certificate.fingerprint}")
    return 0
