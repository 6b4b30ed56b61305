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
    shown = run(look_at(server))
    verdict = judge(server, shown, known or KnownServers(default_path()))
    if isinstance(verdict, Stranger):
        text = _(
            "The certificate of the relay at {server} isn't trusted ({why}), and you can't be asked here. "
            "Ask its operator whether its fingerprint is {fingerprint}; if so, use --fingerprint."
        )
        why = fault(verdict.doubt)
        raise UntrustedServerError(text.format(server=server, why=why, fingerprint=verdict.fingerprint))
    if verdict:
        raise UntrustedServerError(_alarm(verdict))
    return shown.tls


def _alarm(changed: Changed) -> str:
    text = _("""\
STOP: the certificate of the relay at {server} has changed.

  trusted:  {before}
  now:      {now}

Either the relay has a new certificate, or somebody is impersonating it. Nothing was sent.
Ask its operator over another channel. If the new certificate is theirs, delete the line of
{server} from {file} and try again.""")
    return text.format(server=changed.server, before=changed.trusted, now=changed.shown, file=changed.file)
