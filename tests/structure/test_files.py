"""Sizes and names of files, and what must not stand in any of them."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median

from tests.structure.sources import ROOT, files, modules

LONGEST = 400
LONGEST_MEDIAN = 150
# A migration is generated, then a record: it is as long as its tables are many.
WRITTEN_BY_HAND = (":!models/migrations/versions", "*.py", "*.ts", "*.tsx", "*.mjs", "*.js", "*.css", "Makefile")
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# Where a file lies on the machine that it was written on, and where that machine gets its packages from.
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|Users|root|work|opt)/\w"
    r"|--(?:extra-)?index-url|--find-links|--trusted-host"
    r'|"resolved": "(?:https?|file):'
    r"|^\s*(?:registry|index-url|extra-index-url|find-links)\s*=\s*\S*//",
    re.MULTILINE,
)
WHERE_THE_WORDS_STAND = {Path("tests/structure/test_files.py"), Path("tests/structure/test_requirements.py")}


def length(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_no_file_is_long() -> None:
    assert {str(path): lines for path in files(*WRITTEN_BY_HAND) if (lines := length(path)) > LONGEST} == {}


def test_modules_are_short_as_a_rule() -> None:
    assert median(length(path) for path in modules() if path.name != "__init__.py") <= LONGEST_MEDIAN


def test_no_module_has_a_vague_name() -> None:
    assert [str(path) for path in files("*.py") if VAGUE_NAMES & set(path.with_suffix("").parts)] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = []
    for path in files():
        if path in WHERE_THE_WORDS_STAND:
            continue
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        found += [f"{path}: {match.group()}" for match in MACHINE.finditer(text)]
    assert found == []


def test_nothing_that_is_built_or_vendored_is_tracked() -> None:
    built = {"node_modules", "dist", "var", ".venv", "__pycache__"}
    assert [str(path) for path in files() if built & set(path.parts)] == []
