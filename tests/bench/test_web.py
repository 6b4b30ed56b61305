"""The benchmark of browsers: its figures come out. Nothing is timed."""

import re

from bench.calling import bench, needs_linux

pytestmark = needs_linux
FIGURES = r"[\d.]+ \([\d.]+, [\d.]+\)"


def test_browsers_and_udp_beside_them() -> None:
    small = ["--rooms", "2", "--members", "3", "--runs", "1", "--seconds", "0.5", "--udp-rate", "100"]
    done = bench(*small, module="bench.web")
    assert (done.returncode, done.stderr) == (0, "")
    print(done.stdout)
    _, browsers, udp = done.stdout.splitlines()
    assert re.fullmatch(
        rf"\d+ deliveries to browsers: {FIGURES} us of CPU each, latency p50 {FIGURES} ms, p99 {FIGURES} ms", browsers
    )
    assert re.fullmatch(
        rf"over UDP, 0 lost: p99 {FIGURES} ms alone, {FIGURES} ms beside the browsers, {FIGURES} times as long", udp
    )


def test_a_rate_of_nothing_is_refused() -> None:
    done = bench("--rate", "0", module="bench.web")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--rate" in done.stderr
