"""The files of the project, as git lists them: tracked, or new and not ignored."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("commands", "demo", "endpoints", "engine", "live", "models", "resolvers", "schema", "services", "sql")


@cache
def files(*patterns: str) -> tuple[Path, ...]:
    """The files that match a git pattern, relative to the project's root; all files without one."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return tuple(Path(name) for name in sorted(set(listed)) if name and (ROOT / name).is_file())


def modules() -> tuple[Path, ...]:
    """The Python modules of the gateway itself, without tests, examples and benchmarks."""
    return tuple(path for path in files("*.py") if path.parts[0] in PACKAGES or path == Path("gateway.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """`services/tokens.py` -> `services.tokens`, `services/__init__.py` -> `services`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
