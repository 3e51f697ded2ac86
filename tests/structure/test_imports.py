"""Where imports stand, and that no circle of them exists. Their direction is checked by import-linter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from tests.structure.sources import files, module_name, modules, parsed

Import = ast.Import | ast.ImportFrom
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def imports_inside_functions(tree: ast.AST, *, inside: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if inside and isinstance(node, Import):
            yield node
        yield from imports_inside_functions(node, inside=inside or isinstance(node, Function))


def imports_at_run_time(tree: ast.AST) -> Iterator[Import]:
    """Every import but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Import):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield from imports_at_run_time(ast.Module(body=[other], type_ignores=[]))
        else:
            yield from imports_at_run_time(node)


def named(node: Import, known: set[str]) -> Iterator[str]:
    """The modules of ours that an import loads."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif node.module is not None:
        inner = [name for alias in node.names if (name := f"{node.module}.{alias.name}") in known]
        yield from inner
        if node.module in known and len(inner) < len(node.names):
            yield node.module


def test_imports_stand_at_the_top() -> None:
    found = [f"{path}:{node.lineno}" for path in files("*.py") for node in imports_inside_functions(parsed(path))]
    assert found == []


def test_imports_are_absolute() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in files("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert found == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {module_name(path): path for path in modules()}
    graph = {
        name: {other for node in imports_at_run_time(parsed(path)) for other in named(node, set(names))} - {name}
        for name, path in names.items()
    }
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_the_check_finds_what_it_looks_for() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import a\nelse:\n    import b\ndef f():\n    import c\n")
    assert [node.names[0].name for node in imports_at_run_time(tree)] == ["b", "c"]
    assert [node.names[0].name for node in imports_inside_functions(tree)] == ["c"]
