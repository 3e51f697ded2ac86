"""The differential tests would see it: what is drawn reaches the whole schema, and answers that are wrong are found."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson
import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, get_named_type, parse, validate

from engine.documents import PreparedOperation
from engine.execution import Answer, Variables
from resolvers.context import Context
from tests.differential.comparison import Stand, body_of, difference
from tests.differential.operations import Operation, draw_query
from tests.differential.reduction import reduced
from tests.differential.sight import look_around

LABELS: Final = [f"harness/{number}" for number in range(60)]
MANY: Final = 2_400
VALIDATED: Final = 300

# What is drawn, and how answers are compared, has nothing to do with the database.
pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

Break = Callable[[Any], None]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in some data, the inner ones first."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from objects(part)
    if isinstance(value, dict):
        yield value


def swap_two_keys(data: Any) -> None:
    for each in objects(data):
        if len(each) > 1:
            first = next(iter(each))
            each[first] = each.pop(first)
            return


def leave_out_a_null(data: Any) -> None:
    for each in objects(data):
        for key in [key for key, value in each.items() if value is None]:
            del each[key]
            return


def lose_the_last_item(data: Any) -> None:
    for each in objects(data):
        for value in each.values():
            if isinstance(value, list) and value:
                value.pop()
                return


def turn_a_number_into_a_float(data: Any) -> None:
    for each in objects(data):
        for key, value in each.items():
            if type(value) is int:
                each[key] = float(value)
                return


def turn_an_empty_list_into_null(data: Any) -> None:
    for each in objects(data):
        for key, value in each.items():
            if value == []:
                each[key] = None
                return


def cut_a_moment(data: Any) -> None:
    for each in objects(data):
        for key, value in each.items():
            if isinstance(value, str) and value.endswith("000Z"):
                each[key] = f"{value[:-4]}Z"
                return


BREAKS: Final[list[Break]] = [
    swap_two_keys,
    leave_out_a_null,
    lose_the_last_item,
    turn_a_number_into_a_float,
    turn_an_empty_list_into_null,
    cut_a_moment,
]


def broken(answer: Answer, how: Break) -> Answer:
    """The answer with data that is not quite right."""
    data = copy.deepcopy(answer.data)
    how(data)
    return Answer(data, answer.errors, answer.executed)


async def drawn_for(stand: Stand, caller: str) -> list[Operation]:
    known = await look_around(stand, caller)
    return [draw_query(stand.operations.schema, known, label) for label in LABELS]


async def test_the_reference_executor_agrees_with_itself(stand: Stand) -> None:
    drawn = await drawn_for(stand, "owner")
    report = await stand.compare_all([("owner", each) for each in drawn], stand.reference)
    assert report.findings == [], str(report)
    assert report.failed < report.asked / 3


async def test_every_way_to_be_wrong_is_found(stand: Stand) -> None:
    found: Counter[str] = Counter()
    for operation in await drawn_for(stand, "owner"):
        right = await stand.ask(stand.reference, "owner", operation)
        for how in BREAKS:
            wrong = broken(right, how)
            assert (difference(right, wrong) is None) == (wrong.data == right.data and repr(wrong) == repr(right))
            found[how.__name__] += difference(right, wrong) is not None
    assert set(found) == {how.__name__ for how in BREAKS}
    assert min(found.values()) > 0, found


async def test_stepping_aside_without_need_is_found(stand: Stand) -> None:
    async def execute(prepared: PreparedOperation, variables: Variables | None, context: Context) -> Answer:
        stand.operations.fallbacks["a whim"] += 1
        return await stand.reference(prepared, variables, context)

    drawn = await drawn_for(stand, "owner")
    report = await stand.compare_all([("owner", each) for each in drawn], execute)
    assert {each.reason for each in report.findings} == {"stepped aside without need: a whim"}
    right = [each for each in drawn if not (await stand.ask(stand.reference, "owner", each)).errors]
    without_need = sum(not each.is_faulty and not each.introspects for each in right)
    assert len(report.findings) == without_need < len(drawn)


async def test_what_is_found_is_shown_in_few_words(stand: Stand) -> None:
    async def execute(prepared: PreparedOperation, variables: Variables | None, context: Context) -> Answer:
        answer = await stand.reference(prepared, variables, context)
        return broken(answer, lose_the_last_item)

    drawn = await drawn_for(stand, "owner")
    report = await stand.compare_all([("owner", each) for each in drawn], execute)
    first = report.findings[0]
    (large,) = (each for each in drawn if each.label == first.operation.label)
    assert len(first.operation.text) < len(large.text) / 2
    assert first.reference != first.tried
    assert first.operation.label in str(report)


async def test_one_label_is_one_operation(stand: Stand) -> None:
    known = await look_around(stand, "owner")
    schema = stand.operations.schema
    assert draw_query(schema, known, "17") == draw_query(schema, known, "17")
    assert len({draw_query(schema, known, label).text for label in LABELS}) == len(LABELS)


async def test_documents_are_valid_and_reach_the_whole_schema(stand: Stand) -> None:
    known, schema = await look_around(stand, "administrator"), stand.operations.schema
    reached: set[str] = set()
    refused = 0
    for number in range(MANY):
        operation = draw_query(schema, known, f"whole/{number}")
        reached |= operation.coordinates
        refused += number < VALIDATED and bool(validate(schema, parse(operation.text)))
    assert refused < VALIDATED / 50
    assert reachable(schema) - reached == set()


def reachable(schema: GraphQLSchema) -> set[str]:
    """Everything that a query can name: fields with their arguments, and the fields of inputs."""
    assert schema.query_type is not None
    found: set[str] = set()
    kinds: list[Any] = [schema.query_type]
    seen: set[str] = set()
    while kinds:
        kind = kinds.pop()
        if kind.name in seen or not isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            continue
        seen.add(kind.name)
        for name, field in kind.fields.items():
            found.add(f"{kind.name}.{name}")
            kinds.append(get_named_type(field.type))
            for argument, declared in getattr(field, "args", {}).items():
                found.add(f"{kind.name}.{name}({argument}:)")
                kinds.append(get_named_type(declared.type))
    return found


async def test_a_smaller_operation_is_still_valid(stand: Stand) -> None:
    drawn = await drawn_for(stand, "owner")
    schema = stand.operations.schema
    largest = max(drawn, key=lambda each: len(each.text))

    async def shows(operation: Operation) -> bool:
        return "__typename" in operation.text

    smallest = await reduced(schema, largest, shows)
    assert not validate(schema, parse(smallest.text))
    assert len(smallest.text) < 100
    answer = await stand.ask(stand.reference, "owner", smallest)
    assert orjson.loads(body_of(answer))
