"""Why requests are refused, as facts: more exactly than a status says it (FEAT-04)."""

from dataclasses import dataclass
from enum import unique
from string import Formatter

from chatproto.codes import N_, Status, Worded


@unique
class RefusalCode(Worded):
    """Why exactly a request is refused: the word that stands on the wire."""

    USER_NAME_EMPTY = "user_name_empty", N_("The user name is empty: give it at least one character.")
    USER_NAME_TOO_LONG = "user_name_too_long", N_("The user name has {size} bytes: use at most {limit}.")
    USER_NAME_NOT_UTF8 = "user_name_not_utf8", N_("The user name isn't UTF-8: encode it so.")
    USER_NAME_UNPRINTABLE = (
        "user_name_unprintable",
        N_("The user name has a character that can't be shown ({character}): leave it out."),
    )
    USER_NAME_MARKS = (
        "user_name_marks",
        N_("The user name has marks piled up on one character: use at most {limit} there."),
    )
    USER_NAME_LIGATURES = (
        "user_name_ligatures",
        N_("The user name has {count} characters once its ligatures are taken apart: use at most {limit}."),
    )
    USER_NAME_MARK_FIRST = (
        "user_name_mark_first",
        N_("The user name begins with a mark ({character}): put a letter before it."),
    )
    USER_NAME_CHARACTER = (
        "user_name_character",
        N_("The user name has a character that names can't have ({character}): leave it out."),
    )
    USER_NAME_COLON = "user_name_colon", N_("The user name has a colon: choose one without.")
    USER_NAME_SPACES = (
        "user_name_spaces",
        N_("The user name starts or ends with a space: choose one that doesn't."),
    )
    USER_NAME_RESERVED = "user_name_reserved", N_("The user name is reserved: choose another.")
    USER_NAME_LIKE_MARK = (
        "user_name_like_mark",
        N_("The user name ends like a mark in a list, such as (host): leave that out."),
    )
    ROOM_NAME_EMPTY = "room_name_empty", N_("The room name is empty: give it at least one character.")
    ROOM_NAME_TOO_LONG = "room_name_too_long", N_("The room name has {size} bytes: use at most {limit}.")
    ROOM_NAME_NOT_UTF8 = "room_name_not_utf8", N_("The room name isn't UTF-8: encode it so.")
    ROOM_NAME_UNPRINTABLE = (
        "room_name_unprintable",
        N_("The room name has a character that can't be shown ({character}): leave it out."),
    )
    ROOM_NAME_MARKS = (
        "room_name_marks",
        N_("The room name has marks piled up on one character: use at most {limit} there."),
    )
    ROOM_NAME_LIGATURES = (
        "room_name_ligatures",
        N_("The room name has {count} characters once its ligatures are taken apart: use at most {limit}."),
    )
    ROOM_NAME_MARK_FIRST = (
        "room_name_mark_first",
        N_("The room name begins with a mark ({character}): put a letter before it."),
    )
    ROOM_NAME_CHARACTER = (
        "room_name_character",
        N_("The room name has a character that names can't have ({character}): leave it out."),
    )
    BANNED = "banned", N_("The host of this room has banned you.")
    PASSWORD_TOO_LONG = "password_too_long", N_("The password has {size} bytes: use at most {limit}.")
    PASSWORD_NOT_UTF8 = "password_not_utf8", N_("The password isn't text: it has half a character, and so no UTF-8.")
    PASSWORD_NEEDED = "password_needed", N_("The room has a password: give it to join.")
    ROOM_OR_PASSWORD = "room_or_password", N_("There is no such room, or the password is wrong.")
    TOO_MANY_MEMBERS = "too_many_members", N_("The relay has as many members as it may: try later.")
    TOO_MANY_ROOMS = "too_many_rooms", N_("The relay has as many rooms as it may: join one or try later.")
    TOO_MANY_STREAMS = (
        "too_many_streams",
        N_("The relay has as many streams as it may: chat over UDP, or try later."),
    )
    TOO_MANY_CARRIED = "too_many_carried", N_("The relay carries as many members as it may: try later.")
    TOO_MANY_MEMBERS_OF_ADDRESS = (
        "too_many_members_of_address",
        N_("Your address has as many members as it may: leave a room first."),
    )
    TOO_MANY_ROOMS_OF_ADDRESS = (
        "too_many_rooms_of_address",
        N_("Your address has as many rooms as it may: close one first."),
    )
    TOO_MANY_JOINS = "too_many_joins", N_("Too many joins from your address: try again in a few seconds.")
    TOO_MANY_NEW_PASSWORDS = (
        "too_many_new_passwords",
        N_("Too many new passwords from your address: try again in a minute."),
    )
    TOO_MANY_WRONG_PASSWORDS = (
        "too_many_wrong_passwords",
        N_("Too many wrong passwords: try again in two minutes."),
    )
    TOO_MANY_REQUESTS = "too_many_requests", N_("Too many requests are open: try again in a moment.")
    TOO_MANY_LINKS = "too_many_links", N_("The relay has too many links to other nodes: try again in a moment.")
    PASSWORDS_IN_WORK = "passwords_in_work", N_("The relay checks many passwords just now: try again in a moment.")
    PASSWORDS_NEED_MEMORY = (
        "passwords_need_memory",
        N_("The relay is short of memory for passwords: try again in a moment."),
    )
    LATE = "late", N_("The relay didn't get to the request in time: try again in a moment.")
    INCOMPLETE = "incomplete", N_("The request was not whole in time.")
    REPLACED = "replaced", N_("The relay is being replaced: try again in a moment.")
    TAKEN_OVER = "taken_over", N_("Another process takes the relay over: try again in a moment.")
    MOVING = "moving", N_("The room is moving to another node: try again in a moment.")
    NODE_UNREACHABLE = "node_unreachable", N_("The room's node can't be reached: try again in a moment.")
    NODE_GONE = "node_gone", N_("The room's node is gone: try again in a moment.")
    NODE_WITHOUT_PAGES = "node_without_pages", N_("The room's node takes no chats of pages.")
    NO_DIRECTORY = (
        "no_directory",
        N_("The relay's directory of rooms can't be reached now: try again in a moment."),
    )
    TLS_NEEDED = "tls_needed", N_("This relay lets in by TLS alone: use a client that speaks it (chat --tls).")
    HTTPS_NEEDED = "https_needed", N_("This relay lets in by TLS alone: open the page by https.")
    NO_LIST = "no_list", N_("This relay lists no rooms.")
    NO_SEALED_ROOMS = (
        "no_sealed_rooms",
        N_("This relay has no sealed rooms: create one that isn't sealed, or use another relay."),
    )

    @property
    def fields(self) -> tuple[str, ...]:
        """Which fields of a `Refusal` the sentence has, and so the wire."""
        return tuple(name for _text, name, _form, _conversion in Formatter().parse(self.message) if name)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused; ``str()`` says it to a person."""

    status: Status
    code: RefusalCode | None = None
    """None if there is nothing to say beside the status, or if ``said`` says it."""
    said: str = ""
    """A sentence that has no code here: of a newer relay, an older or a foreign one, or for who writes clients."""
    character: str = ""
    """Which one a name can't have, as `text.name_character` says it."""
    count: int = 0
    """How many characters there are."""
    size: int = 0
    """How many bytes there are."""
    limit: int = 0
    """How many there may be."""

    def __str__(self) -> str:
        return self.code.message.format(**self.fields) if self.code else self.said or self.status.message

    @property
    def fields(self) -> dict[str, str | int]:
        """What the code's sentence is filled in with."""
        return {name: getattr(self, name) for name in self.code.fields} if self.code else {}

    @property
    def banned(self) -> bool:
        """Whether no other name would help, for the room's host has banned who asks (MOD-04)."""
        return self.code is RefusalCode.BANNED
