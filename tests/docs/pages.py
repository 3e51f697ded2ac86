"""The pages of the documentation, and what stands in their fences: operations, commands, answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDES = ROOT / "docs" / "guides"
DECISIONS = ROOT / "docs" / "decisions"
PAGES = (README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"'(\"?)\$(\w+)\"?'")
_BODY = re.compile(r" -d '(?P<body>\{.*?\})'(?=\s|$|\))", re.DOTALL)


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, the words after it, its text, and the line that it starts in."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for the name of a test."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Operation:
    """A GraphQL document of a page, with the variables that the page gives for it."""

    place: str
    document: str
    variables: dict[str, Any] | None = None
    answer: Any = None


@cache
def fences(page: Path) -> tuple[Fence, ...]:
    """The fences of a page in their order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        found.append(Fence(page, text.count("\n", 0, match.start()) + 1, language, tuple(words), match["text"]))
    return tuple(found)


def operations(page: Path) -> Iterator[Operation]:
    """The operations in `graphql` fences, with the `json variables` and the `json answer` that follow them."""
    blocks = fences(page)
    for index, block in enumerate(blocks):
        if block.language != "graphql":
            continue
        following = []
        for other in blocks[index + 1 :]:
            if other.language != "json":
                break
            following.append(other)
        yield Operation(block.place, block.text, _one(following, "variables"), _one(following, "answer"))


def sent_operations(page: Path) -> Iterator[Operation]:
    """The operations in the bodies of `curl` commands. Shell variables in them stand for ids and tokens."""
    for block in fences(page):
        if block.language != "sh":
            continue
        for match in _BODY.finditer(block.text):
            body = json.loads(_SHELL.sub(_example, match["body"]))
            yield Operation(block.place, body["query"], body.get("variables"))


def _example(match: re.Match[str]) -> str:
    """A value for a shell variable: a number where it stands bare, a word of an enum, or any text."""
    if not match[1]:
        return "1"
    return "STARTED" if match[2] == "STATUS" else f"a_{match[2].lower()}"


def section(page: Path, title: str) -> str:
    """The text under a heading, up to the next heading of the same or a higher level."""
    text = page.read_text(encoding="utf-8")
    start = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert start is not None, f"{page.name} has no section {title!r}"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_column(page: Path, title: str) -> list[str]:
    """The code words that open the rows of the tables of a section."""
    return re.findall(r"^\| `([^`]+)`", section(page, title), re.MULTILINE)


def _one(blocks: list[Fence], word: str) -> Any:
    return next((json.loads(block.text) for block in blocks if word in block.words), None)
