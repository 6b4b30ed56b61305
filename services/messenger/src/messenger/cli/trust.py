"""What proves a relay's certificate to a filter: an authority, a fingerprint given, or what a person trusted before."""

from chatbrain import Tls
from chatclient import look_at
from messenger.cli.platforms import run
from messenger.core.trusting import Changed, Stranger, judge
from messenger.presentation.i18n import _
from messenger.presentation.wording import fault
from messenger.store.known_servers import KnownServers, default_path


class UntrustedServerError(Exception):
    """The relay isn't trusted, so nothing was sent; ``str()`` says it, on several lines where that must be noticed."""


def settle_trust(server: str, given: Tls, known: KnownServers | None = None) -> Tls:
    """Decide by what to trust a relay (``HOST:PORT``) where nobody can be asked, before anything is sent to it.

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
    verdict = judge(server, shown, trusted)
    if isinstance(verdict, Stranger):
        text = _(
            "No authority vouches for the relay at {server} ({why}), and there is no terminal to ask on: "
            "find out from who runs it whether its fingerprint is {fingerprint}, and give that by --fingerprint."
        )
        why = fault(verdict.doubt)
        raise UntrustedServerError(text.format(server=server, why=why, fingerprint=verdict.fingerprint))
    if verdict:
        raise UntrustedServerError(_alarm(verdict, known))
    return shown.tls


def _alarm(changed: Changed, known: KnownServers) -> str:
    text = _("""\
STOP: the relay at {server} shows another certificate than the one you trusted.

  trusted:  {before}
  now:      {now}

Either it has got a new one, or somebody between you and it pretends to be it. Nothing was sent.
Ask who runs the relay, by another way. If the new one is theirs, take the line of {server} out of
{file} and come again.""")
    return text.format(server=changed.server, before=changed.trusted, now=changed.shown, file=known.place)
