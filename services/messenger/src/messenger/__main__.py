"""The command ``chat``: arguments in, exit code out."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from chatclient import RefusedError, UnreachableError
from chatproto import sanitize
from messenger.arguments import Arguments, parse
from messenger.pipe import chat_through_pipes
from messenger.terminal import chat_on_terminal

_DONE, _FAILED = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chat``; returns 0 after leaving by one's own wish, 1 if the relay ended it or isn't there."""
    arguments = parse(argv)
    plain = arguments.plain or not (sys.stdin.isatty() and sys.stdout.isatty())
    try:
        return asyncio.run(_chat(arguments, plain=plain))
    except (KeyboardInterrupt, asyncio.CancelledError):  # a signal came before one was in
        return _DONE
    except BrokenPipeError:
        # Whoever read the messages has gone; Python must not complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE


async def _chat(arguments: Arguments, *, plain: bool) -> int:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with arguments.connect() as room:
            if plain:
                ended = await chat_through_pipes(room, stay=arguments.stay)
            else:
                ended = await chat_on_terminal(room)
    except (RefusedError, UnreachableError) as error:
        print(f"chat: {sanitize(str(error))}", file=sys.stderr)
        return _FAILED
    if ended is None:
        return _DONE
    print(f"chat: {sanitize(ended.text)}", file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
