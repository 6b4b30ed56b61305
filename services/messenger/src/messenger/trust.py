"""What proves a relay's certificate: an authority, a fingerprint given, or one's own word at the first time."""

import sys

from chatclient import Finding, Presented, Tls, look_at
from chatproto import sanitize
from messenger.i18n import _
from messenger.known_servers import KnownServers, default_path
from messenger.platforms import run
from messenger.wording import fault


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
    shown = run(look_at(server))
    if shown.doubt is None:
        return Tls()
    if trusted is None:
        _ask(server, shown, shown.doubt, plain=plain)
        known.remember(server, shown.fingerprint)
    elif trusted != shown.fingerprint:
        raise UntrustedServerError(_alarm(server, trusted, shown.fingerprint, known))
    return Tls(fingerprint=shown.fingerprint)


def _ask(server: str, shown: Presented, doubt: Finding, *, plain: bool) -> None:
    if plain:
        text = _(
            "No authority vouches for the relay at {server} ({why}), and there is no terminal to ask on: "
            "find out from who runs it whether its fingerprint is {fingerprint}, and give that by --fingerprint."
        )
        raise UntrustedServerError(text.format(server=server, why=fault(doubt), fingerprint=shown.fingerprint))
    text = _("""\
No authority vouches for the relay at {server} ({why}).
The SHA-256 fingerprint of its certificate is:

  {fingerprint}

Compare it with the one that who runs the relay tells you.""")
    print(text.format(server=server, why=fault(doubt), fingerprint=shown.fingerprint), file=sys.stderr)
    if input(_("Trust this relay from now on (yes/no)? ")).strip().lower() != "yes":
        raise UntrustedServerError(_("The relay isn't trusted, so nothing was sent to it."))


def _alarm(server: str, before: str, now: str, known: KnownServers) -> str:
    text = _("""\
STOP: the relay at {server} shows another certificate than the one you trusted.

  trusted:  {before}
  now:      {now}

Either it has got a new one, or somebody between you and it pretends to be it. Nothing was sent.
Ask who runs the relay, by another way. If the new one is theirs, take the line of {server} out of
{file} and come again.""")
    return text.format(server=server, before=before, now=now, file=sanitize(str(known.path)))
