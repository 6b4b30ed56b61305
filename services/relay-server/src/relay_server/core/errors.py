"""Why the registry rejects a request; each class carries the status that answers it (TCP-10)."""

from chatproto import BadNameError, ProtocolError, RefusalCode, Status


class RoomExistsError(ProtocolError):
    """A room of this name exists."""

    status = Status.ROOM_EXISTS


class NoSuchRoomError(ProtocolError):
    """No room has this name."""

    status = Status.NO_SUCH_ROOM


class WrongPasswordError(ProtocolError):
    """The room has another password than the one given, or none was given."""

    status = Status.WRONG_PASSWORD


class NameTakenError(ProtocolError):
    """A member of the room has this name or one that looks like it."""

    status = Status.NAME_TAKEN


class RoomFullError(ProtocolError):
    """The room has as many members as it may."""

    status = Status.ROOM_FULL


class BannedError(BadNameError):
    """The room's host lets nobody of this name or from this address in (MOD-04)."""

    def __init__(self) -> None:
        super().__init__(RefusalCode.BANNED)


class NoSeatError(ProtocolError):
    """No seat can be taken by this ticket (RES-04)."""

    status = Status.NO_SEAT


class TooManyError(ProtocolError):
    """A limit of the relay or of one address is reached."""

    status = Status.TOO_MANY


class SealedError(ProtocolError):
    """The room is sealed, and the client doesn't know what that is (SEAL-03)."""

    status = Status.SEALED


class BusyError(ProtocolError):
    """Trying again in a moment may work."""

    status = Status.BUSY


class NoCheckLeftError(BusyError):
    """Wrong passwords of the same address left no check; the next one comes soon (PWD-04)."""


class ShuttingDownError(ProtocolError):
    """The relay is about to end."""

    status = Status.SHUTTING_DOWN
