"""Why a membership is over, and what one can do then."""

from typing import Final

from chatbrain import Ended, EndReason, Fault, Finding
from chatproto import EvictionReason, Refusal, RefusalCode, Status, sanitize
from chatproto.constants import DEFAULT_LOBBY_PORT
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.faults import fault
from messenger.presentation.wording.refusals import Words, refusal

_ABOUT_TLS: Final = {Fault.NO_TLS, Fault.TLS_VERSION, Fault.TLS_FAILED}
_ABOUT_THE_CLUSTER: Final = {Fault.CIRCLES, Fault.NO_SERVER}
_ABOUT_THE_NETWORK: Final = {Fault.NO_ROUTE, Fault.NO_ANSWER}
_ABOUT_THE_ADDRESS: Final = {Fault.BAD_HOST, Fault.UNKNOWN_HOST, Fault.NO_ZONE}

_EVICTIONS: Final = {
    EvictionReason.SILENCE: Words(N_("Nothing was heard from you for too long."), N_("Join again.")),
    EvictionReason.UNREACHABLE: Words(
        N_("Messages to you came back as undeliverable."), N_("Check your network, and join again.")
    ),
    EvictionReason.ABUSE: Words(N_("You went over the limits again and again."), N_("Wait a moment, then join again.")),
    EvictionReason.NEVER_CONNECTED: Words(
        N_("Your place was reserved, but you never spoke over UDP."),
        N_("Ask your network's administrator whether UDP is allowed."),
    ),
    EvictionReason.EXPIRED: Words(N_("Your session expired: the relay's check got no answer."), N_("Join again.")),
    EvictionReason.KICKED: Words(N_("The host removed you."), N_("Ask the host before you come back.")),
    EvictionReason.HOST_LEFT: Words(
        N_("The host left, so the room closed."), N_("Create it again, or join another room.")
    ),
    EvictionReason.SHUTDOWN: Words(N_("The relay is shutting down."), N_("Try again when it is back.")),
    EvictionReason.RESUMED_ELSEWHERE: Words(
        N_("Your place was taken over by another connection of yours."), N_("Join again to be here.")
    ),
    EvictionReason.MOVED: Words(N_("The room moved to another server."), N_("Join again.")),
}


def ending(ended: Ended) -> Words:
    """Say how a membership ended, or would have, and what one can do now."""
    match ended:
        case Ended(EndReason.LEFT):
            return Words(_("You left."))
        case Ended(banned=True):
            return Words(_(RefusalCode.BANNED.message))
        case Ended(refusal=Refusal() as why):
            return refusal(why)
        case Ended(eviction=EvictionReason() as reason):
            return _EVICTIONS[reason].chosen()
        case Ended(EndReason.UNREACHABLE, server=str(server), finding=Finding() as finding):
            return _unreachable(sanitize(server), finding)
        case Ended(EndReason.UNTRUSTED, server=str(server), finding=Finding() as finding):
            return _untrusted(sanitize(server), finding)
        case Ended(EndReason.EVICTED):
            return Words(_("The relay took your place in the room away."), _("Join again."))
        case _:
            return Words(sanitize(ended.text))


def interruption(cause: Ended) -> Words:
    """Say why one isn't in just now, while the program looks for a way back."""
    if cause.status is Status.NO_SUCH_ROOM:
        return Words(_("The relay seems to have been restarted: the room isn't there again yet."))
    words = ending(cause)
    about_udp = cause.finding is not None and cause.finding.fault is Fault.NO_UDP
    return words if about_udp else Words(words.what)  # that a relay comes back needs no doing


def _unreachable(server: str, finding: Finding) -> Words:
    why = fault(finding)
    if finding.fault is Fault.NO_UDP:
        what = _("The relay at {server} can't be heard over UDP, though it answers over TCP.").format(server=server)
        return Words(what, _("A firewall on the way may block UDP: try another network, or have UDP allowed."))
    if finding.fault is Fault.NO_STREAM:
        what = _("The relay at {server} doesn't carry the chat over TCP: nothing was said.").format(server=server)
        return Words(what, _("Use --transport auto. Some relays carry it only with --tls: ask the operator."))
    if finding.fault in _ABOUT_THE_CLUSTER:
        what = _("The room is on another server, to which there is no way from {server} ({why}).")
        return Words(what.format(server=server, why=why), _("Try again in a moment, or ask the operator."))
    if finding.fault in _ABOUT_TLS:
        what = _("No relay answers over TLS at {server} ({why}).").format(server=server, why=why)
        return Words(what, _("Check the address, and that a relay with TLS is running there."))
    what = _("No relay answers at {server} ({why}).").format(server=server, why=why)
    if finding.fault is Fault.NO_LOBBY:
        check = _("Check the address, and that a relay is running there: the lobby's own port is {port} by default.")
        return Words(what, check.format(port=DEFAULT_LOBBY_PORT))
    if finding.fault in _ABOUT_THE_ADDRESS:
        return Words(what, _("Check the address."))
    if finding.fault in _ABOUT_THE_NETWORK:
        return Words(what, _("Check the address and your network."))
    return Words(what, _("Check the address, and that a relay is running there."))


def _untrusted(server: str, finding: Finding) -> Words:
    if finding.fault is Fault.NOT_SEALED:
        what = _("The room isn't sealed on the relay at {server}, though your invitation has a key: nothing was sent.")
        return Words(what.format(server=server), _("Ask who invited you."))
    text = (
        _("The certificate of the relay at {server} isn't the one you trust ({why}): nothing was sent.")
        if finding.fault is Fault.OTHER_CERTIFICATE
        else _("The relay at {server} couldn't prove its identity ({why}): nothing was sent.")
    )
    return Words(text.format(server=server, why=fault(finding)), _("Ask its operator over another channel."))
