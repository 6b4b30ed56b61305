"""What proves a relay's certificate: an authority, a fingerprint given, or one's own word at the first time."""

import asyncio
import sys

from chatclient import Presented, Tls, look_at
from messenger.known_servers import KnownServers, default_path


class UntrustedServerError(Exception):
    """The relay isn't trusted, so nothing was sent; ``str()`` says it, on several lines where that must be noticed."""


def settle_trust(server: str, given: Tls, *, plain: bool, known: KnownServers | None = None) -> Tls:
    """Decide by what to trust a relay (``HOST:PORT``), before anything is sent to it; asks a person if it must.

    What was given on the command line decides alone.

    Raises:
        UntrustedServerError: it isn't trusted.
        UnreachableError: nobody answers there by TLS.
        KnownServersError: the file of known servers can't be used.

    """
    if given.fingerprint or given.ca_file:
        return given
    known = known or KnownServers(default_path())
    trusted = known.find(server)
    shown = asyncio.run(look_at(server))
    if shown.doubt is None:
        return Tls()
    if trusted is None:
        _ask(server, shown, plain=plain)
        known.remember(server, shown.fingerprint)
    elif trusted != shown.fingerprint:
        raise UntrustedServerError(_alarm(server, trusted, shown.fingerprint, known))
    return Tls(fingerprint=shown.fingerprint)


def _ask(server: str, shown: Presented, *, plain: bool) -> None:
    if plain:
        raise UntrustedServerError(
            f"No authority vouches for the relay at {server} ({shown.doubt}), and there is no terminal to ask on: "
            f"find out from who runs it whether its fingerprint is {shown.fingerprint}, and give that by --fingerprint."
        )
    print(
        f"No authority vouches for the relay at {server} ({shown.doubt}).\n"
        f"The SHA-256 fingerprint of its certificate is:\n\n  {shown.fingerprint}\n\n"
        "Compare it with the one that who runs the relay tells you.",
        file=sys.stderr,
    )
    if input("Trust this relay from now on (yes/no)? ").strip().lower() != "yes":
        raise UntrustedServerError("The relay isn't trusted, so nothing was sent to it.")


def _alarm(server: str, before: str, now: str, known: KnownServers) -> str:
    return f"""\
STOP: the relay at {server} shows another certificate than the one you trusted.

  trusted:  {before}
  now:      {now}

Either it has got a new one, or somebody between you and it pretends to be it. Nothing was sent.
Ask who runs the relay, by another way. If the new one is theirs, take the line of {server} out of
{known.path} and come again."""
