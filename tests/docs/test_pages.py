"""The pages lead to each other, and the records of decisions have their form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DECISIONS, PAGES, ROOT

LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PARTS = ("Context", "Decision", "Consequences", "What else was tried", "The test that enforces it")
WRITTEN_ELSEWHERE = {"docs/performance.md"}
"""Pages that `make` targets or other parts of the repository bring."""

RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for target in (one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        other_page = (page.parent / path).resolve() if path else page
        if str(other_page.relative_to(ROOT)) in WRITTEN_ELSEWHERE and not other_page.exists():
            continue
        if not other_page.exists() or (anchor and anchor not in anchors(other_page)):
            lost.append(target)
    assert lost == []


def test_records_are_numbered_without_gaps() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


def test_the_index_names_every_record() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == [record.name for record in RECORDS]


@pytest.mark.parametrize("record", [pytest.param(record, id=record.stem) for record in RECORDS])
def test_a_record_has_its_form(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    headings = HEADING.findall(text)
    assert re.fullmatch(rf"{int(record.name[:4])}\. \S.+", headings[0])
    assert headings[1:] == list(PARTS)
    assert len(text.split()) <= 700, "a record is one page"


@pytest.mark.parametrize("record", [pytest.param(record, id=record.stem) for record in RECORDS])
def test_the_tests_that_a_record_names_exist(record: Path) -> None:
    enforcing = record.read_text(encoding="utf-8").partition(f"## {PARTS[-1]}")[2]
    named = re.findall(r"`((?:tests/[\w/]+\.\w+|pyproject\.toml|Makefile))(?:::(\w+))?`", enforcing)
    assert named, "a record names at least one test"
    for path, function in named:
        assert (ROOT / path).is_file(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{function}"
