"""The project's documents, taken apart."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES: Final = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def read(name: str) -> str:
    """Return a document's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Return language and content of each fenced block."""
    return _FENCED.findall(text)


def prose(text: str) -> str:
    """Return what stands outside of fenced blocks."""
    return _FENCED.sub("", text)


def code(text: str) -> str:
    """Return all code, fenced or within a line, a piece on each line."""
    return "\n".join([*(content for _, content in code_blocks(text)), *re.findall(r"`([^`\n]+)`", prose(text))])


def headings(text: str) -> list[tuple[int, str]]:
    """Return level and text of each heading."""
    return [(len(marks), title) for marks, title in _HEADING.findall(prose(text))]


def anchors(text: str) -> set[str]:
    """Return what links may point to, as GitHub makes it of headings."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings(text)}


def links(text: str) -> list[str]:
    """Return where links and pictures point."""
    return _LINK.findall(prose(text))
