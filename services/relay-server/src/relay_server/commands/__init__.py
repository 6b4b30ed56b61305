"""The commands of ``relay-server``: each module adds its arguments to the command line, and carries them out.

Every command loads all of them, so each loads what only it needs when it is carried out: a command should answer at
once, and the health check, which is called every few seconds, should cost little.
"""

import argparse


def read_seconds(text: str, most: int) -> float:
    """Read a duration from the command line.

    Raises:
        ArgumentTypeError: it is none, or longer than ``most`` seconds.

    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number over 0 and up to {most}")
    return seconds
