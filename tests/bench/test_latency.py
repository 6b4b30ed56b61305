"""Latency beside other servers: those that are installed are measured, the others are named. Nothing is timed."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from bench import latency, peers
from bench.calling import bench, needs_linux

RANGE = r"[\d.]+ \([\d.]+, [\d.]+\)"


@needs_linux
@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
def test_the_relay_beside_what_is_installed(tmp_path: Path) -> None:
    picture = tmp_path / "latency.svg"
    load = ("--shape", "3x4", "--rate", "200", "--runs", "1", "--seconds", "0.3")
    done = bench("--here", "--latency", *load, "--picture", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    drawn = picture.read_text(encoding="utf-8")
    installed = [name for name, peer in peers.PEERS.items() if peers.find(peer)]
    for who in ("relay, UDP", "relay, streams", *installed):
        assert re.search(rf"(?:^3 x 4|^) +{who} +{RANGE} +{RANGE} +0 +[1-9][\d.]*$", done.stdout, re.MULTILINE), (
            done.stdout
        )
        assert f">{who}</text>" in drawn
    for name in peers.PEERS.keys() - set(installed):
        assert re.search(rf"^{name} isn't measured: [\w-]+ isn't installed \(package ", done.stdout, re.MULTILINE)


def test_what_is_not_installed_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert latency.missing()[0] == "Redis isn't measured: redis-server isn't installed (package redis-server)."
    assert len(latency.missing()) == len(peers.PEERS)
