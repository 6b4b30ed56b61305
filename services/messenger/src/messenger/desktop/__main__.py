"""The command ``chat-desktop``: arguments in, exit code out."""

import sys
from collections.abc import Sequence

from messenger.desktop.arguments import PROGRAM, parse
from messenger.desktop.loading import end_in_words, find_fault, run_boxed

_WRONG_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chat-desktop``; returns 2 if Qt can't be loaded, or a file that was named can't be used."""
    return run_boxed(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    arguments = parse(argv)
    if fault := find_fault():
        print(f"{PROGRAM}: {fault}", file=sys.stderr)
        return _WRONG_USAGE
    end_in_words()
    from messenger.desktop.app import run  # noqa: PLC0415 - only now it is known that Qt loads

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
