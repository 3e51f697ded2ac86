"""What the tests of JavaScript parts need on the machine: missing, it is a failure in CI and a skip elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def require(*, present: bool, missing: str) -> None:
    """Go on when `present`; otherwise fail in CI, which brings everything, and skip on a developer's machine."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def node() -> str:
    """Return the path of Node."""
    path = shutil.which("node")
    require(present=path is not None, missing="Node is not here; it comes with npm.")
    return str(path)


def chromium() -> str:
    """Return the path of a Chromium."""
    found = [path for path in map(shutil.which, BROWSERS) if path]
    require(present=bool(found), missing=f"No browser is here: none of {', '.join(BROWSERS)}.")
    return found[0]


def require_packages(project: Path) -> None:
    """See that the npm packages of a project are installed."""
    present = (project / "node_modules").is_dir()
    require(present=present, missing=f"{project.relative_to(ROOT)} is not installed: `make modules` does it.")


def run(
    command: Sequence[str | Path], *, folder: Path, seconds: int, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, within `seconds`, with `settings` in its environment."""
    environment: Mapping[str, str] = {**os.environ, **settings}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def npm_projects() -> list[Path]:
    """Return the folders of all npm projects of the repository."""
    return sorted(
        {path.parent for pattern in ("explorer", "examples/*") for path in ROOT.glob(f"{pattern}/package.json")}
    )


def read_json(path: Path) -> dict[str, object]:
    """Return the object in a JSON file."""
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content
