"""Results as pictures, and as parts of the document."""

import datetime as dt
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.pictures import Bar, draw
from bench.programs import BenchError
from bench.report import DOCUMENT, TITLES, Report, with_report, write

SVG = "{http://www.w3.org/2000/svg}"
DAY = dt.date(2026, 12, 1)
TEXT = "# Bench\n\n<!-- begin measured: latency -->\nold\n<!-- end measured: latency -->\n\nMore.\n"
REPORT = Report(
    name="latency", method="by hand", rows=[("who", "p50"), ("relay", "1")], picture="<svg/>\n",
    details=["only here"], notes=["Redis isn't measured."],
)  # fmt: skip


def drawn() -> ET.Element:
    bars = [Bar("a < b", [10.0, 30.0], "40"), Bar("c", [0.0, 20.0], "20", (15.0, 80.0))]
    return ET.fromstring(draw("This & that", ["first", "second"], [("group", bars)]))  # noqa: S314 - our own


def test_bars_are_as_long_as_their_figures_and_all_to_one_scale() -> None:
    bars = [rect for rect in drawn().iter(f"{SVG}rect") if rect.get("height") == "16"]
    parts, widths = [bar.get("class") for bar in bars], [float(bar.get("width", "")) for bar in bars]
    assert parts == ["part0", "part1"] * 2
    unit = widths[0] / 10.0
    assert widths == pytest.approx([10 * unit, 30 * unit, 0.0, 20 * unit])
    starts = [float(bar.get("x", "")) for bar in bars]
    assert starts[1] == pytest.approx(starts[0] + widths[0])
    (spread,) = (path.get("d", "") for path in drawn().iter(f"{SVG}path"))
    low, high = (float(word) for word in spread.split("M")[1].replace("H", " ").split()[::2])
    assert (low - starts[0], high - starts[0]) == pytest.approx((15 * unit, 80 * unit))


def test_a_picture_says_everything_in_words_and_has_colours_for_dark_pages() -> None:
    texts = [text.text for text in drawn().iter(f"{SVG}text")]
    assert texts == ["This & that", "first", "second", "group", "a < b", "40", "c", "20"]
    assert drawn().get("aria-label") == "This & that"
    (style,) = (style.text or "" for style in drawn().iter(f"{SVG}style"))
    light, dark = style.split("prefers-color-scheme: dark")
    assert all(f".part{number} {{" in colours for colours in (light, dark) for number in range(5))


def test_a_picture_of_nothing_is_one_too() -> None:
    assert ET.fromstring(draw("Nothing", [], [("group", [Bar("a", [0.0], "0")])])).tag == f"{SVG}svg"  # noqa: S314


def test_a_report_is_put_between_its_marks() -> None:
    written = with_report(TEXT, REPORT, DAY)
    assert written.startswith("# Bench\n\n<!-- begin measured: latency -->\nOne run of 2026-12-01 on a machine with ")
    assert "(images/bench-latency.svg)\n\n| who | p50 |\n| --- | --- |\n| relay | 1 |\n\nRedis isn't" in written
    assert "only here" not in written
    assert written.endswith("measured.\n<!-- end measured: latency -->\n\nMore.\n")
    assert with_report(written, REPORT, DAY) == written
    assert str(REPORT) == "who    p50\nrelay  1\nonly here\nRedis isn't measured."


def test_a_document_without_marks_stays_as_it_is() -> None:
    with pytest.raises(BenchError, match=r"no marks for the measured latency\.$"):
        with_report("# Bench\n", REPORT, DAY)


def test_table_and_picture_are_written(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(TEXT, encoding="utf-8")
    (tmp_path / "images").mkdir()
    assert write(REPORT, document) == [document, tmp_path / "images" / "bench-latency.svg"]
    assert "| relay | 1 |" in document.read_text(encoding="utf-8")
    assert (tmp_path / "images" / "bench-latency.svg").read_text(encoding="utf-8") == REPORT.picture


@pytest.mark.parametrize("name", TITLES)
def test_the_document_has_a_place_for_each_report(name: str) -> None:
    assert "by hand" in with_report(DOCUMENT.read_text(encoding="utf-8"), REPORT._replace(name=name), DAY)
