"""The brain can be imported where there is no I/O, and brings none along."""

import subprocess
import sys


def test_the_brain_brings_no_io_along() -> None:
    asked = "import sys, chatbrain; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=50)
    loaded = set(run.stdout.split())
    assert {"chatbrain.room", "chatproto"} <= loaded
    assert not loaded & {"_socket", "_ssl", "asyncio", "logging", "random", "secrets", "socket", "ssl"}
    assert not [name for name in loaded if name.startswith(("chatclient", "PySide6", "textual"))]
