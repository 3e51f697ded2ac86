"""One boundary commits: services add and flush, the unit of work ends the transaction."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.structure.sources import modules, parsed

# Who may call a method of this name without arguments, and why.
ALLOWED = {
    "commit": set(),
    "rollback": set(),
    "begin": {
        Path("models/migrate.py"),  # the migrations' own transaction
        Path("models/store.py"),  # the transaction that a unit of work runs in
    },
    "write": {
        Path("services/unit_of_work.py"),  # the boundary
        Path("demo/fleet.py"),  # a whole fleet in one transaction, by bulk inserts into a new database
        Path("services/events.py"),  # forgets old events; nobody waits for it
    },
}


def test_nobody_else_ends_a_transaction() -> None:
    found = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not node.args
        and path not in ALLOWED.get(node.func.attr, {path})
    ]
    assert found == []


def test_no_allowance_is_stale() -> None:
    called = {
        (node.func.attr, path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
    }
    stale = [(name, str(path)) for name, paths in ALLOWED.items() for path in paths if (name, path) not in called]
    assert stale == []
