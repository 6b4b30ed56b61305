"""Build a wheel of the relay whose hot path is machine code: `make compiled`; see docs/operations.md.

The sources stay as they are: a copy is compiled, by mypyc.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
PACKAGE: Final = ROOT / "services/relay-server"
_BUILD: Final = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__")


def missing(headers: Path) -> str:
    """Say in a sentence what is needed to compile and isn't there; empty if all is.

    ``headers`` is where Python's are.
    """
    compiler = (os.environ.get("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"There is no C compiler ({compiler}): on Debian or Ubuntu, apt install gcc libc6-dev."
    if not (headers / "Python.h").is_file():
        return f"Python's headers aren't in {headers}: on Debian or Ubuntu, apt install python3-dev."
    return ""


def stage(copy: Path) -> None:
    """Copy what the wheel is made of to a folder, which is emptied before."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(PACKAGE / "src", copy, ignore=_LEFT_OUT)
    for file in (PACKAGE / "pyproject.toml", HERE / "modules.txt", HERE / "mypy.ini", HERE / "setup.py"):
        shutil.copy(file, copy)


def build(copy: Path, wheels: Path) -> subprocess.CompletedProcess[str]:
    """Compile what was copied, and put the wheel into a folder, in place of an older one."""
    wheels.mkdir(parents=True, exist_ok=True)
    for old in wheels.glob("*.whl"):
        old.unlink()
    # Without what debuggers read, the library is half as large.
    flags = {"CFLAGS": "-g0", "LDFLAGS": "-Wl,--strip-all"}
    environment = os.environ | flags | {"MYPYPATH": str(ROOT / "libs/chatproto/src")}
    words = [sys.executable, "-c", _BUILD, str(wheels)]
    return subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def main() -> None:
    """Run the command line; exits with 0, 1 (it failed) or 2 (something is missing)."""
    parser = argparse.ArgumentParser(
        prog="compiling", description="Build a wheel of the relay with its hot path compiled."
    )
    parser.add_argument("wheels", type=Path, help="the folder for the wheel")
    parser.add_argument("work", type=Path, help="the folder for the copy and for what the compiler writes")
    arguments = parser.parse_args()
    if sentence := missing(Path(sysconfig.get_path("include"))):
        print(f"compiling: {sentence}", file=sys.stderr)
        sys.exit(2)
    copy = arguments.work.resolve()
    stage(copy)
    print("==> compiling the relay's hot path (about a minute)", flush=True)
    done = build(copy, arguments.wheels.resolve())
    if done.returncode:
        print(f"{done.stdout}{done.stderr}\ncompiling: it failed; the output is above.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
