"""The locked requirements: whole, hashed, and free of any place to get them from."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.structure.sources import PACKAGES, ROOT, modules, parsed

LOCKED = [ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "dev", "s3")]
PINNED = re.compile(r"\S+==[^\\]+ \\(\n +--hash=sha256:[0-9a-f]{64}( \\)?)+")


def pins(path: Path) -> dict[str, str]:
    """The version (with its marker, if any) of every distribution in a locked file."""
    found = re.findall(r"^([\w.-]+)==([^\\\n]+?) \\$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(found)


def wanted(path: Path) -> list[str]:
    """The distributions that a .in file names itself."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [re.split(r"[\[;=<>~! ]", line)[0] for line in lines if line and not line.startswith("-")]


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_hashed(path: Path) -> None:
    text = re.sub(r"^\s*#.*$\n?", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]
    bad = [
        entry for entry in entries if not re.fullmatch(r"\S+==[^\\]+ \\(\n +--hash=sha256:[0-9a-f]{64}( \\)?)+", entry)
    ]
    assert entries
    assert bad == []


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_locked_requirements_hold_what_is_asked_for(path: Path) -> None:
    missing = [name for name in wanted(path.with_suffix(".in")) if name not in pins(path)]
    assert missing == []


def test_tests_run_on_what_runs_in_production() -> None:
    runtime, dev = map(pins, LOCKED[:2])
    assert {name: dev.get(name) for name in runtime} == runtime


def test_every_direct_dependency_is_described() -> None:
    described = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    names = {name for path in LOCKED for name in wanted(path.with_suffix(".in"))}
    assert [name for name in sorted(names) if f"| `{name}`" not in described] == []


def test_everything_that_is_imported_is_asked_for_by_name() -> None:
    """A library that only another one brings may go away with the next version of that one."""
    ours = {*PACKAGES, "gateway", *sys.stdlib_module_names}
    imported = {
        name.split(".")[0]
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    } - ours
    distributions = packages_distributions()
    asked = {plain(name) for name in wanted(ROOT / "requirements" / "runtime.in")}
    assert sorted(name for name in imported if not asked & set(map(plain, distributions.get(name, [])))) == []


def plain(name: str) -> str:
    """The name of a distribution in the one spelling that all its spellings stand for."""
    return re.sub(r"[-_.]+", "-", name).lower()
