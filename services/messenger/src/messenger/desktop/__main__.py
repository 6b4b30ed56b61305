"""The command ``chat-desktop``: arguments in, exit code out."""

import argparse
import sys
from collections.abc import Sequence

from messenger import __version__
from messenger.desktop.loading import end_in_words, find_fault

_WRONG_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``chat-desktop``; returns 2 if Qt can't be loaded."""
    parser = argparse.ArgumentParser(prog="chat-desktop", description="Chat in a window.")
    parser.add_argument("--version", action="version", version=f"chat-desktop {__version__}")
    parser.parse_args(argv)
    if fault := find_fault():
        print(f"chat-desktop: {fault}", file=sys.stderr)
        return _WRONG_USAGE
    end_in_words()
    from messenger.desktop.app import run  # noqa: PLC0415 - only now it is known that Qt loads

    return run()


if __name__ == "__main__":
    sys.exit(main())
