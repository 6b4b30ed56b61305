"""The type checker keeps plain text out of what sends to a sealed room (SEAL-03)."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PROGRAM: Final = """
from chatbrain import RoomBrain
from chatbrain.sealed import Seal
from chatproto.sealing import Sealer

def say(brain: RoomBrain, seal: Seal, sealer: Sealer) -> None:
    brain._say_sealed(seal.text("hello", 100), "hello", 0.0)
    brain._say_sealed(sealer.seal("hello"), "hello", 0.0)
    brain._say_sealed("hello", "hello", 0.0)
    brain._say_sealed(b"hello", "hello", 0.0)
    brain._say_sealed(sealer.seal("hello").text, "hello", 0.0)
"""


@pytest.mark.slow
@pytest.mark.requirement("SEAL-03")
def test_plain_text_is_no_sealed_text() -> None:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "-c", PROGRAM]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    found = re.findall(r'^<string>:(\d+): error: Argument 1 .* expected "SealedText"', run.stdout, re.MULTILINE)
    assert found == ["9", "10", "11"], run.stdout + run.stderr
