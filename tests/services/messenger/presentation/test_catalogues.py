"""The translations: whole, current, with the same placeholders, and compiled as they stand."""

import ast
import io
import re
import string
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from docs.page_words import marked_in_page
from messenger.presentation.i18n import DOMAIN, LANGUAGES

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "services" / "messenger" / "src" / "messenger"
PROTOCOL = ROOT / "libs" / "chatproto" / "src"
"""It has sentences that relays say, and that the messenger says in the language that is chosen."""
CATALOGUES = sorted(SOURCES.glob("presentation/locale/*/LC_MESSAGES/*.po"))
_TRANSLATORS_CALLS = {"_", "N_", "ngettext"}
_PERCENT = re.compile(r"%(?:\(\w+\))?[a-zA-Z]")


@cache
def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


@cache
def texts_of_the_sources() -> frozenset[str | tuple[str, ...]]:
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    found = {text for folder in (SOURCES, PROTOCOL) for _, _, text, _, _ in extract_from_dir(folder, methods)}
    return frozenset(found | marked_in_page())


def messages(path: Path) -> Iterator[Message]:
    return (message for message in catalogue(path) if message.id)


def translations(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else [*(message.string or ("",))]


def placeholders(text: str) -> set[str]:
    fields = {f"{name}!{how}" for _, name, _, how in string.Formatter().parse(text) if name is not None}
    return fields | set(_PERCENT.findall(text))


def test_every_language_but_english_has_a_catalogue() -> None:
    assert {path.parent.parent.name for path in CATALOGUES} == LANGUAGES.keys() - {"en"}
    assert {path.stem for path in CATALOGUES} == {DOMAIN}


@pytest.mark.slow
@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_every_text_has_its_translation_and_nothing_is_left_over(path: Path) -> None:
    known = {message.id for message in messages(path)}
    advice = "`make catalogues` collects new texts; write their translations into the .po, and run it again."
    assert texts_of_the_sources() - known == set(), advice
    assert known - texts_of_the_sources() == set(), advice
    assert not catalogue(path).obsolete
    for message in messages(path):
        assert not message.fuzzy, message.id
        assert all(translations(message)), message.id


def test_the_relay_has_one_word_in_japanese() -> None:
    (path,) = (path for path in CATALOGUES if path.parent.parent.name == "ja")
    assert [message.id for message in messages(path) if any("リレー" in text for text in translations(message))] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_translations_have_the_same_placeholders_and_ends(path: Path) -> None:
    for message in messages(path):
        originals = [message.id] if isinstance(message.id, str) else message.id
        for text in translations(message):
            assert placeholders(text) == placeholders(originals[-1]), message.id
            assert text.endswith("\n") == originals[-1].endswith("\n"), message.id
            assert text.endswith(" ") == originals[-1].endswith(" "), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=str)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(path))
    assert path.with_suffix(".mo").read_bytes() == compiled.getvalue(), "Run `make catalogues`."


def test_who_installs_the_messenger_gets_them(tmp_path: Path) -> None:
    build = "import sys; from flit_core import buildapi; print(buildapi.build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", build, tmp_path], cwd=SOURCES.parents[1], check=True, capture_output=True, text=True
    )
    with zipfile.ZipFile(tmp_path / built.stdout.strip()) as wheel:
        for path in CATALOGUES:
            name = (SOURCES.name / path.relative_to(SOURCES)).with_suffix(".mo").as_posix()
            assert wheel.read(name) == path.with_suffix(".mo").read_bytes()


@pytest.mark.parametrize("path", sorted([*SOURCES.rglob("*.py"), *PROTOCOL.rglob("*.py")]), ids=str)
def test_only_whole_texts_are_looked_up(path: Path) -> None:
    """Find each call by Python's own grammar: one inside an f-string the collector doesn't see."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TRANSLATORS_CALLS):
            continue
        where = f"{path}:{node.lineno}"
        texts = node.args[:2] if node.func.id == "ngettext" else node.args
        for text in texts:
            assert not isinstance(text, ast.JoinedStr | ast.BinOp), where
            if isinstance(text, ast.Constant):
                forms = (known if isinstance(known, tuple) else (known,) for known in texts_of_the_sources())
                assert any(text.value in each for each in forms), where
            elif node.func.id == "N_":
                pytest.fail(f"{where}: N_ marks texts as they stand.")
