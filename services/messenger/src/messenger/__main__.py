"""The command ``chat``: arguments in, exit code out."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chatbrain import Ended, UnreachableError
from chatproto import RefusedError, Status
from messenger.cli.arguments import Arguments, parse
from messenger.cli.invitations import show_link
from messenger.cli.lines import UnreadableInputError, UnwritableOutputError
from messenger.cli.passwords import VARIABLE, PasswordError, ask_password, choose_password, find_password
from messenger.cli.platforms import be_printable, has_screen, on_end, run
from messenger.cli.trust import UntrustedServerError, settle_trust
from messenger.core.trusting import KnownServersError
from messenger.presentation.i18n import _
from messenger.presentation.wording import ending, refusal

_DONE, _FAILED, _WRONG_USAGE, _NOT_DELIVERED = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chat``; returns its exit code.

    0 after leaving by one's own wish, 1 if the relay ended or refused it, 2 if misused, 3 if lines were not delivered
    or commands not carried out.
    """
    be_printable()
    terminal = has_screen()
    arguments = parse(argv, terminal=terminal)
    try:
        if arguments.command == "rooms":
            return _list(arguments)
        return _show(arguments) if terminal and not arguments.plain else _filter(arguments)
    except (PasswordError, KnownServersError, UnreadableInputError) as error:
        print("chat:", error, file=sys.stderr)
        return _WRONG_USAGE
    except UntrustedServerError as error:
        print("chat:", error, file=sys.stderr)
        return _FAILED
    except (KeyboardInterrupt, asyncio.CancelledError, EOFError):  # one doesn't want to come in after all
        return _DONE
    except UnwritableOutputError as error:
        print("chat:", error, file=sys.stderr)
        _drop_output()
        return _FAILED
    except BrokenPipeError:  # whoever read the messages has gone
        _drop_output()
        return _DONE


def _drop_output() -> None:
    """Let Python not complain once more at its end that the output can't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _list(arguments: Arguments) -> int:
    """Print the rooms of a relay."""
    from messenger.cli.rooms import show_rooms  # noqa: PLC0415 - for this command alone

    try:
        return show_rooms(arguments.server, arguments.tls, as_json=arguments.as_json)
    except UnreachableError as error:
        return _report(error.cause)


def _show(arguments: Arguments) -> int:
    """Be an app on the terminal."""
    password = None
    if arguments.room is not None and arguments.ask_password:
        password = _ask(arguments.command, arguments.room)
    elif arguments.room is not None:
        password = find_password(arguments.password_file)
    from messenger.store.logbook import Logbook, LogbookError  # noqa: PLC0415 - much to load, and not for pipes
    from messenger.terminal.running import chat_on_terminal  # noqa: PLC0415

    try:
        log = Logbook(Path(arguments.log)) if arguments.log else None
    except LogbookError as error:
        print("chat:", error, file=sys.stderr)
        return _WRONG_USAGE
    if arguments.invite:
        show_link(arguments.invite)
    try:
        return _report(run(chat_on_terminal(arguments, password, log)))
    finally:
        if log:
            log.close()


def _ask(command: str | None, room: str) -> str:
    return choose_password(room) if command == "create" else ask_password(room)


def _filter(arguments: Arguments) -> int:
    """Be a filter."""
    password = None
    if arguments.ask_password and arguments.room is not None and sys.stdin.isatty():
        password = _ask(arguments.command, arguments.room)
    elif arguments.ask_password:
        text = _("--password needs a terminal: without one use --password-file FILE or {variable}.")
        raise PasswordError(text.format(variable=VARIABLE))
    elif arguments.room is not None:
        password = find_password(arguments.password_file)
    try:
        ended, lost = _pass_through(arguments, password)
        return _report(ended) or (_NOT_DELIVERED if lost else _DONE)
    except RefusedError as error:
        if error.status is Status.WRONG_PASSWORD and password is None:
            text = _("This room has a password: use --password-file FILE or {variable}.")
            print("chat:", text.format(variable=VARIABLE), file=sys.stderr)
        else:
            words = refusal(error.refusal)
            print("chat:", words.what if error.status is Status.WRONG_PASSWORD else words.line, file=sys.stderr)
        return _FAILED
    except UnreachableError as error:
        return _report(error.cause)


def _pass_through(arguments: Arguments, password: str | None) -> tuple[Ended | None, int]:
    from messenger.cli.pipe import chat_through_pipes  # noqa: PLC0415 - not for terminals

    tls = settle_trust(arguments.server, arguments.tls) if arguments.tls else None

    async def chat() -> tuple[Ended | None, int]:
        if task := asyncio.current_task():
            on_end(task.cancel)
        async with arguments.connect(password, tls) as room:
            if arguments.invite:
                show_link(arguments.invite)
            return await chat_through_pipes(room, stay=arguments.stay)

    return run(chat())


def _report(ended: Ended | None) -> int:
    """Say how it ended, unless it was one's own wish."""
    if ended is None:
        return _DONE
    print("chat:", ending(ended).line, file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
