"""What is wrong with what a person wrote, and how to mend it."""

from chatbrain import BadAuthoritiesError, BadServerError, MessageTooLongError, WrongKeyError
from chatproto import BadFingerprintError, BadNameError, BadPasswordError, sanitize
from chatproto.sealing import BadRoomKeyError
from messenger.core.entry import InviteAsNameError
from messenger.core.invite import BadInviteError
from messenger.presentation.i18n import _
from messenger.presentation.wording.faults import fault
from messenger.presentation.wording.refusals import exactly


def flaw(error: Exception) -> str:
    """Say in a sentence what is wrong with a name, a password, an address... for which a library raised this."""
    match error:
        case BadNameError(refusal=why) | BadPasswordError(refusal=why):
            sentence = exactly(why) or str(error)
        case BadServerError():
            sentence = _of_server(error)
        case BadInviteError() | BadRoomKeyError() | InviteAsNameError() | WrongKeyError():
            sentence = _of_invite(error)
        case BadFingerprintError():
            sentence = _of_fingerprint(error)
        case BadAuthoritiesError(file=file, finding=finding):
            sentence = _("The file of authorities {file} can't be used ({why}): name another.")
            sentence = sentence.format(file=file, why=fault(finding))
        case MessageTooLongError(size_bytes=size, limit_bytes=limit):
            sentence = _("The message has {size} bytes: use at most {limit}.").format(size=size, limit=limit)
        case _:
            sentence = str(error)
    return sanitize(sentence)


def _of_server(error: BadServerError) -> str:
    if not error.text:
        return _("Enter the relay's address.")
    if error.port is None:
        return _("{text!r} is no relay address: write HOST, HOST:PORT or [IPv6]:PORT.").format(text=error.text)
    sentence = _("{port!r} in {text!r} is no port: use a number from 1 to 65535.")
    return sentence.format(port=error.port, text=error.text)


def _of_invite(error: BadInviteError | BadRoomKeyError | InviteAsNameError | WrongKeyError) -> str:
    if isinstance(error, InviteAsNameError):
        return _("An invitation is no room's name: copy all of it, and join by it.")
    if isinstance(error, WrongKeyError):
        return _("Your key opens nothing that others write here, so nothing was sent: ask for the whole invitation.")
    if isinstance(error, BadRoomKeyError):
        return _("The key in the invitation is incomplete: copy the whole invitation.")
    if not error.text:
        return _("The invitation is empty: use the form chat://HOST:PORT/ROOM.")
    form = _("This is not an invitation: {text}. Use the form chat://HOST:PORT/ROOM or https://HOST/#room=ROOM.")
    return form.format(text=error.text)


def _of_fingerprint(error: BadFingerprintError) -> str:
    sentence = _("{text!r} is no SHA-256 fingerprint: give its 64 hex digits, with or without colons.")
    return sentence.format(text=error.text)
