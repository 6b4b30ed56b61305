"""The fuzzing process: one harness under libFuzzer, guided by what the code under test reaches (by atheris).

``python -m fuzz.guided NAME ...``: what follows are libFuzzer's own flags and directories.
"""

import sys

import atheris

UNDER_TEST = ["chatproto", "chatbrain", "chatclient", "relay_server", "bot_client"]


def main(name: str, *arguments: str) -> None:
    with atheris.instrument_imports(include=UNDER_TEST):
        from fuzz.corpus import load_harness  # noqa: PLC0415 - what it imports is instrumented

        harness = load_harness(name)
    # libFuzzer starts itself anew to merge, by this command.
    atheris.Setup([f"{sys.executable} -m fuzz.guided {name}", *arguments], harness.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
