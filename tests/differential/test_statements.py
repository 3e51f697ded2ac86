"""Statements of generated queries: as many as edges are written, whatever the rows, and of the columns asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from engine.records import NODES
from tests.differential.comparison import Stand
from tests.differential.operations import Operation, draw_query, plain_operation
from tests.differential.sight import look_around
from tests.engine.columns import PROOF, selected
from tests.statements import Recorder

EACH: Final = 150
ACCESS: Final = 2
"""One statement that reads the access of the caller, and one that proves it when nothing was found that could."""
NODE_TYPES: Final = len(NODES)
WITH_THEIR_PARENT: Final = frozenset(
    {"edges", "node", "nodes", "pageInfo", "counts", "buckets", "userErrors", "grants", "viewer"}
)
"""Fields with a selection that are read with what is above them."""
OTHERS: Final = ("WITH", f"SELECT {PROOF}.value")
"""The counts of `thingStats` by a property, and the proof by itself."""
KEYS: Final = re.compile(r"(\w+_)?(id|key)")
BY_RULES: Final = re.compile(r"nextUpdate|deploymentPreview")
"""Fields that a service answers, which reads what its rules go by."""
BEHIND: Final = {
    "tag": {"tags"},
    "uploaded_at": {"uploadedAt", "downloadUrl", "downloadExpiresAt"},
    "reported": {"reported", "delta"},
    "desired": {"desired", "delta"},
    "total": {"totalCount", "thingStats"},
    "connected": {"connected", "disconnected", "thingStats"},
    "scope": {"scope", "attributes"},
    "transaction": {"eventCursor"},
    "sequence": {"eventCursor"},
    "log_uploaded_at": {"logUploadedAt", "hasLog"},
    "digest": {"publicKeyDigest"},
    "key_digest": {"publicKeyDigest"},
}
"""Words of a document that ask for a column whose name they are not."""


def most_statements(operation: Operation) -> int:
    """The edges and totals that a query writes, with its fragments opened, and what every query may take."""
    document = parse(operation.text)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    root = next(each for each in operations if len(operations) == 1 or (each.name and each.name.value != "Other"))
    return ACCESS + sum(weight(field, depth) for field, depth in fields(fragments, root.selection_set, 0))


def weight(field: FieldNode, depth: int) -> int:
    """The most statements that a field takes by itself."""
    name = field.name.value
    if name in {"totalCount", "tags", "eventCursor"}:
        return 1
    if field.selection_set is None:
        return 0
    if depth == 0 and name in {"node", "nodes"}:
        return NODE_TYPES
    if name == "thingStats":
        return 2
    return 0 if name in WITH_THEIR_PARENT else 1


def fields(
    fragments: dict[str, FragmentDefinitionNode], selections: SelectionSetNode, depth: int
) -> Iterator[tuple[FieldNode, int]]:
    """Every field with its depth, as often as it is spread."""
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection, depth
            if selection.selection_set is not None:
                yield from fields(fragments, selection.selection_set, depth + 1)
        elif isinstance(selection, InlineFragmentNode):
            yield from fields(fragments, selection.selection_set, depth)
        elif isinstance(selection, FragmentSpreadNode):
            yield from fields(fragments, fragments[selection.name.value].selection_set, depth)


def not_asked_for(statement: str, words: set[str]) -> set[str]:
    """The columns that a statement selects and that no word of a document asks for."""
    asked = {each for each in selected(statement) if not KEYS.fullmatch(each)}
    return {each for each in asked if not (BEHIND.get(each, set()) | {camel(each)}) & words and not is_count(each)}


def is_count(column: str) -> bool:
    """Whether a column counts executions, all of which `total` is made of."""
    return column.endswith("_count")


def camel(column: str) -> str:
    """The name of the field of a column."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), column)


def words_of(operation: Operation) -> set[str]:
    """Everything that a document names, and what the cursors of the orders that it asks for hold."""
    words = set(re.findall(r"\w+", operation.text))
    whole = operation.text + repr(operation.variables)
    return words | {camel(each.lower()) for each in re.findall(r"\b[A-Z][A-Z_]+\b", whole)}


def test_what_is_too_much_is_seen() -> None:
    text = "{ things { nodes { name ...F } totalCount } } fragment F on Thing { tags state { delta } }"
    assert most_statements(plain_operation(text)) == ACCESS + 4
    words = words_of(plain_operation(text))
    assert not_asked_for("SELECT thing.name, thing.metadata, thing.id FROM thing", words) == {"metadata"}
    assert not_asked_for("SELECT thing_state.reported, thing_state.desired_at FROM thing_state", words) == {
        "desired_at"
    }


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_no_statement_too_many_and_no_column_too_many(stand: Stand, statements: Recorder, seed: str) -> None:
    known = await look_around(stand, "owner")
    total = 0
    for number in range(EACH):
        operation = draw_query(stand.operations.schema, known, f"{seed}/statements/{number}")
        before = stand.operations.fallbacks.copy()
        with statements() as seen:
            answer = await stand.ask(stand.operations.execute, "owner", operation)
        if answer.errors or stand.operations.fallbacks != before or BY_RULES.search(operation.text):
            continue
        total += seen.count
        shown = f"--differential-seed={seed}\n{operation.text}\n{operation.variables}\n" + "\n".join(seen.texts)
        assert seen.count <= most_statements(operation), shown
        words = words_of(operation)
        reads = [text for text in seen.texts if not text.startswith(OTHERS) and "FROM session" not in text]
        assert [each for text in reads for each in not_asked_for(text, words)] == [], shown
    assert total > EACH
