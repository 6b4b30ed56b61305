"""The command ``chat``: arguments in, exit code out."""

import asyncio
import os
import sys
from collections.abc import Sequence

from chatclient import RefusedError, Status, Tls, UnreachableError
from messenger.arguments import Arguments, parse
from messenger.i18n import _
from messenger.known_servers import KnownServersError
from messenger.passwords import (
    MAX_QUESTIONS,
    VARIABLE,
    PasswordError,
    ask_password,
    choose_password,
    find_password,
)
from messenger.pipe import chat_through_pipes
from messenger.platforms import be_printable, on_end, run
from messenger.trust import UntrustedServerError, settle_trust
from messenger.wording import ending
from messenger.wording import refusal as refused

_DONE, _FAILED, _WRONG_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chat``; returns 0 after leaving by one's own wish, 1 if the relay ended or refused it, 2 if misused."""
    be_printable()
    arguments = parse(argv)
    plain = arguments.plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    try:
        tls = settle_trust(arguments.server, arguments.tls, plain=plain) if arguments.tls else None
        return _enter(arguments, _first_password(arguments, plain=plain), tls, plain=plain)
    except (PasswordError, KnownServersError) as error:
        print("chat:", error, file=sys.stderr)
        return _WRONG_USAGE
    except UntrustedServerError as error:
        print("chat:", error, file=sys.stderr)
        return _FAILED
    except UnreachableError as error:
        print("chat:", ending(error.cause).line, file=sys.stderr)
        return _FAILED
    except (KeyboardInterrupt, asyncio.CancelledError, EOFError):  # one doesn't want to come in after all
        return _DONE
    except BrokenPipeError:
        # Whoever read the messages has gone; Python must not complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE


def _first_password(arguments: Arguments, *, plain: bool) -> str | None:
    if arguments.room is None:
        return None
    if not arguments.ask_password:
        return find_password(arguments.password_file)
    if plain:
        text = _("--password asks on a terminal: without one give it by --password-file FILE or {variable}.")
        raise PasswordError(text.format(variable=VARIABLE))
    return choose_password(arguments.room) if arguments.command == "create" else ask_password(arguments.room)


def _enter(arguments: Arguments, password: str | None, tls: Tls | None, *, plain: bool) -> int:
    """Come in and chat; ask for the password on a terminal where there is none or a wrong one."""
    questions = 0 if plain else MAX_QUESTIONS - arguments.ask_password
    while True:
        try:
            return run(_chat(arguments, password, tls, plain=plain))
        except RefusedError as refusal:
            closed = refusal.status is Status.WRONG_PASSWORD
            if closed and plain and password is None:
                text = _("The relay wants a password for this room: give it by --password-file FILE or {variable}.")
                print("chat:", text.format(variable=VARIABLE), file=sys.stderr)
            elif not closed or password is not None:
                words = refused(refusal.status, str(refusal))
                print("chat:", words.what if closed else words.line, file=sys.stderr)
            if not (closed and questions and arguments.room):
                return _FAILED
        questions -= 1
        password = ask_password(arguments.room)


async def _chat(arguments: Arguments, password: str | None, tls: Tls | None, *, plain: bool) -> int:
    if task := asyncio.current_task():
        on_end(task.cancel)
    async with arguments.connect(password, tls) as room:
        if plain:
            ended = await chat_through_pipes(room, stay=arguments.stay)
        else:
            from messenger.terminal import chat_on_terminal  # noqa: PLC0415 - much to load, and not for pipes

            ended = await chat_on_terminal(room)
    if ended is None:
        return _DONE
    print("chat:", ending(ended).line, file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
