"""npm projects name exact versions, and no address of a registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.explorer.javascript import ROOT, npm_projects, read_json

EXACT = re.compile(r"\d+\.\d+\.\d+")

projects = pytest.mark.parametrize("project", npm_projects(), ids=lambda path: str(path.relative_to(ROOT)))


def test_the_explorer_and_the_javascript_clients_are_npm_projects() -> None:
    names = {project.name for project in npm_projects()}
    assert names == {"explorer", "apollo-client", "graphql-sse", "graphql-ws", "live-fleet", "urql"}


@projects
def test_versions_are_exact(project: Path) -> None:
    package: dict[str, Any] = read_json(project / "package.json")
    versions = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert versions
    assert {name: version for name, version in versions.items() if not EXACT.fullmatch(version)} == {}


@projects
def test_the_lock_names_no_address(project: Path) -> None:
    lock: dict[str, Any] = read_json(project / "package-lock.json")
    packages: dict[str, dict[str, Any]] = lock["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []
