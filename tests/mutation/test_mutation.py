"""What is changed, which of it is tried, and by which tests; one run of all of it on a tree of its own."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest

from docs.markdown import ROOT
from mutation.mutants import find_mutants, sample_mutants
from mutation.trials import _PROGRAMS, Copies, mirrors_of, package_of, programs_of

SOURCE = Path("libs/small/src/small/parts.py")


def mutate(source: str) -> set[str]:
    return {mutant.source() for mutant in find_mutants(SOURCE, source)}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("x < y", {"(x <= y)", "(x >= y)", "pass"}),
        ("x is y", {"(x is not y)", "pass"}),
        ("assert x and y or z", {"assert (x or y) or z", "assert ((x and y) and z)"}),
        ("assert é + 1", {"assert (é - 1)", "assert é + 2"}),
        ("assert not x", {"assert x"}),
        ("assert True", {"assert False"}),
        ("assert f(x, y, y)", {"assert f(y, x, y)"}),
        ("assert max(x, y)", set()),
        ("with suppress(A, B): continue", {"with suppress(A, B): pass"}),
        ("x.setContentsMargins(1, 2, -3, 4)", set()),
        ("x.setLeftMargin(y + 24)", {"x.setLeftMargin((y - 24))", "pass"}),
        ("assert x.adjusted(0, 1, y, -2)", {"assert x.adjusted(0, y, 1, -2)", "assert x.adjusted(0, 1, -2, y)"}),
        (
            "assert x.other(1, -2)",
            {"assert x.other(-2, 1)", "assert x.other(2, -2)", "assert x.other(1, 2)", "assert x.other(1, -3)"},
        ),
        ("if x: f()", {"if (not x): f()", "if x: pass"}),
        ("for x in y: continue", {"for x in y: pass"}),
        ("def f():\n    return", {"def f():\n    pass"}),
        ("def f():\n    return 7", {"def f():\n    return 8"}),
        ("x.y = z", {"pass"}),
        ("x += y", {"pass"}),
        ("x = 7", set()),
        ("class A:\n    x: int = field(default=7)\n    y = 8", {"class A:\n    x: int = field(default=7)\n    y = 9"}),
        ("def f():\n    x = 7", {"def f():\n    x = 8"}),
        ("def f(x: 7 = 8): 'text'", {"def f(x: 7 = 9): 'text'"}),
        ("@f(7)\ndef g(): 'text'", set()),
        ("assert 'text' f'{7}'", set()),
        ("if TYPE_CHECKING: f()", set()),
        ("match x:\n    case 7:\n        f()", {"match x:\n    case 7:\n        pass"}),
    ],
)
def test_what_a_source_becomes(source: str, mutants: set[str]) -> None:
    found = mutate(source)
    assert found == mutants
    for text in found:
        compile(text, SOURCE, "exec")


def test_a_sample_is_the_same_for_a_seed_and_takes_a_line_once() -> None:
    mutants = list(find_mutants(SOURCE, "assert a < b < c < d\n" * 50))
    sample = sample_mutants(mutants, seed=1, count=20)
    assert sample == sample_mutants(mutants, seed=1, count=20)
    assert sample != sample_mutants(mutants, seed=2, count=20)
    assert len({mutant.line for mutant in sample}) == 20
    assert len(sample_mutants(mutants, seed=1, count=99)) == 50


def test_a_source_counts_for_its_package() -> None:
    assert package_of(Path("libs/small/src/small/parts.py")) == "small"
    assert package_of(Path("services/big-one/src/big_one/core/deep/parts.py")) == "big_one.core"


def test_tests_mirror_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("tests/services/big_one/core")
    folder.mkdir(parents=True)
    for name in ("test_parts.py", "test_parts_again.py", "test_partsong.py", "test_main.py"):
        (folder / name).touch()
    documents = Path("tests/docs")
    documents.mkdir()
    mirrored = [folder / "test_parts.py", folder / "test_parts_again.py"]
    source = Path("services/big-one/src/big_one/core/parts.py")
    assert mirrors_of(source) == [mirrored, [folder], [folder.parent], [documents]]
    assert mirrors_of(source.with_name("__main__.py"))[0] == [folder / "test_main.py"]
    assert mirrors_of(source.parents[1] / "parts.py") == [[folder.parent], [documents]]


def test_whole_programs_try_what_no_other_test_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    library, service = programs_of(Path("libs/small/src/small/parts.py")), programs_of(Path("services/relay-server/x"))
    assert Path("tests/conformance") in library
    assert Path("tests/e2e/test_relay_ops.py") in service
    assert not {*library, *service, *programs_of(Path("services/unknown/x"))} & {Path("tests/e2e/test_page.py")}
    for programs in _PROGRAMS.values():
        assert all(list(Path("tests").glob(pattern)) for pattern in programs)


def running() -> Iterator[bytes]:
    """Yield what runs now, where Linux tells it."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            yield path.read_bytes()


COMMAND = [sys.executable, "-m", "mutation"]
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "tests"), "PATH": "/usr/bin:/bin", "COLUMNS": "100"}


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=tree, env=ENVIRONMENT, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        SOURCE: """
            def is_small(number):
                return number < 5

            def grow(number):
                return number + 1
        """,
        Path("tests/libs/small/test_parts.py"): """
            from small.parts import is_small

            def test_small_ends_at_five():
                assert is_small(4)
                assert not is_small(5)
        """,
        Path("pyproject.toml"): """
            [tool.pytest.ini_options]
        """,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_what_no_test_notices_is_shown_and_the_tree_stays_as_it_is(tree: Path) -> None:
    before = (tree / SOURCE).read_text()
    ended = run(tree, "--count", "9")
    assert not ended.returncode, ended.stderr
    assert re.findall(r"survived: (\S+)\n", ended.stdout) == [f"{SOURCE}:6"]
    assert "-    return number + 1" in ended.stdout
    assert "50%" in ended.stdout
    assert (tree / SOURCE).read_text() == before


def test_no_mutant_has_the_time_of_a_copied_file(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one of the same size would be run from byte code that isn't its own, and nobody would notice it."""
    monkeypatch.chdir(tree)
    first = next(Copies(tmp_path / "copies")._times)
    copied = [int(path.stat().st_mtime) for path in (tmp_path / "copies").rglob(SOURCE.name)]
    assert len(copied) == 2
    assert max(copied) < first


def test_tests_that_fail_without_any_mutant_say_nothing_of_it(tree: Path) -> None:
    (tree / "tests/libs/small/test_parts.py").write_text("def test_it():\n    assert 'broken' == ''\n")
    ended = run(tree)
    assert ended.returncode == 1
    assert ended.stderr.startswith("mutation: tests/libs/small fails without any mutant:\n")
    assert "broken" in ended.stderr


def test_a_package_that_nobody_has_is_refused(tree: Path) -> None:
    ended = run(tree, "--package", "smal")
    assert (ended.returncode, ended.stderr) == (2, "mutation: there is no package smal.\n")


def test_a_count_that_is_no_number_gets_one_sentence(tree: Path) -> None:
    ended = run(tree, "--count", "many")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "'many' is no number from 0 up" in ended.stderr


def test_who_stops_it_reads_what_is_known_so_far_and_nothing_is_left_behind(tree: Path, tmp_path: Path) -> None:
    (tree / "tests/libs/small/test_parts.py").write_text(
        "from small.parts import is_small\ndef test_it():\n    while not is_small(4) or is_small(5):\n        pass\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = ENVIRONMENT | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        COMMAND, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        until_survived = next(line for line in process.stdout if line.startswith("survived"))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=50)
    assert until_survived == f"survived: {SOURCE}:6\n"
    assert (process.returncode, errors) == (130, "")
    assert re.search(r"small +│ +1 │ +0 │ +0%", output)
    assert list(temporary.iterdir()) == []
    assert not any(str(temporary).encode() in command for command in running())
