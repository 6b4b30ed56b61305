"""What is wrong with what a person wrote, and how to mend it."""

from typing import Final

from chatbrain import BadAuthoritiesError, BadServerError, MessageTooLongError, WrongKeyError
from chatproto import BadFingerprintError, BadNameError, BadPasswordError, Flaw, NameKind, sanitize
from chatproto.constants import MAX_NAME_BYTES, MAX_PASSWORD_BYTES
from chatproto.marks import MAX_MARKS
from chatproto.sealing import BadRoomKeyError
from messenger.core.entry import InviteAsNameError
from messenger.core.invite import BadInviteError
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.faults import fault

_OF_USERS: Final = {
    Flaw.EMPTY: N_("The user name is empty: give it at least one character."),
    Flaw.TOO_LONG: N_("The user name has {size} bytes: use at most {limit}."),
    Flaw.NOT_UTF8: N_("The user name isn't UTF-8: encode it so."),
    Flaw.UNPRINTABLE: N_("The user name has a character that can't be shown ({character}): leave it out."),
    Flaw.MARKS: N_("The user name has marks piled up on one character: use at most {limit} there."),
    Flaw.COLON: N_("The user name has a colon: choose one without."),
    Flaw.SPACES: N_("The user name starts or ends with a space: choose one that doesn't."),
}
_OF_ROOMS: Final = {
    Flaw.EMPTY: N_("The room name is empty: give it at least one character."),
    Flaw.TOO_LONG: N_("The room name has {size} bytes: use at most {limit}."),
    Flaw.NOT_UTF8: N_("The room name isn't UTF-8: encode it so."),
    Flaw.UNPRINTABLE: N_("The room name has a character that can't be shown ({character}): leave it out."),
    Flaw.MARKS: N_("The room name has marks piled up on one character: use at most {limit} there."),
}
_PASSWORD_TOO_LONG: Final = N_("The password has {size} bytes: use at most {limit}.")
_PASSWORD_NO_TEXT: Final = N_("The password isn't text: it has half a character, and so no UTF-8.")
SENTENCES: Final = (*_OF_USERS.values(), *_OF_ROOMS.values(), _PASSWORD_TOO_LONG, _PASSWORD_NO_TEXT)
"""What a relay says in the same words."""


def flaw(error: Exception) -> str:
    """Say in a sentence what is wrong with a name, a password, an address... for which a library raised this."""
    match error:
        case BadNameError(flaw=Flaw() as flaw):
            sentence = _of_name(error, flaw)
        case BadPasswordError(flaw=Flaw() as flaw):
            sentence = _of_password(error, flaw)
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


def _of_name(error: BadNameError, flaw: Flaw) -> str:
    sentence = (_OF_ROOMS if error.which is NameKind.ROOM else _OF_USERS)[flaw]
    limit = MAX_MARKS if flaw is Flaw.MARKS else MAX_NAME_BYTES
    return _(sentence).format(size=error.size_bytes, limit=limit, character=error.character)


def _of_password(error: BadPasswordError, flaw: Flaw) -> str:
    if flaw is Flaw.TOO_LONG:
        return _(_PASSWORD_TOO_LONG).format(size=error.size_bytes, limit=MAX_PASSWORD_BYTES)
    return _(_PASSWORD_NO_TEXT)


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
