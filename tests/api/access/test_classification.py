"""Every field has a class of access: the schema cannot be built otherwise, and the guard asks for it."""

from __future__ import annotations

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLSchema,
    assert_input_object_type,
    get_named_type,
    is_leaf_type,
    is_required_input_field,
)

from engine.records import NODES
from models.enums import Permission
from models.ids import new_id
from resolvers import classification
from resolvers.fleet_schema import CONFIG, Mutation, build_schema
from resolvers.guard import UnclassifiedFields, check, classify, root_needs
from resolvers.mutation import PUBLIC, SIGNED_IN, Needs
from services.access import ANONYMOUS, Access, ThingPrincipal, UserPrincipal
from services.errors import Forbidden, Unauthenticated
from tests.client import LOGIN
from tests.fleets import Fleet
from tests.gateways import Gateway

LITERALS = {
    "ID": '"x"',
    "String": '"x"',
    "Int": "1",
    "BigInt": "1",
    "Boolean": "true",
    "JSON": "{}",
    "DateTime": '"2026-01-31T12:00:00Z"',
}
PUBLIC_FIELDS = {"Mutation.login", "Mutation.refreshSession"}
READING = {each for each in Permission if each.value.endswith(":read")}
FOR_THINGS = {SIGNED_IN, Permission.STATE_REPORT, Permission.OTA_REPORT, *READING}
THING = ThingPrincipal(new_id(), new_id(), b"digest")


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def test_every_field_is_classified_and_little_is_public(schema: GraphQLSchema) -> None:
    needs = classify(schema)
    roots = root_needs(schema)
    assert {name for name, need in roots.items() if need is PUBLIC} == PUBLIC_FIELDS
    assert all(isinstance(need, Needs | Permission) for need in needs.values())
    read = {need for name, need in roots.items() if name.startswith("Query.")}
    # Who may not deploy has no use for what a deployment would do.
    assert read <= {SIGNED_IN, *READING, Permission.OTA_DEPLOY}
    assert [name for name, need in roots.items() if name.startswith("Query.") and need is Permission.OTA_DEPLOY] == [
        "Query.deploymentPreview"
    ]


def test_the_needs_of_root_fields_are_those_that_the_guard_asks_for(schema: GraphQLSchema) -> None:
    kinds = (schema.query_type, schema.mutation_type, schema.subscription_type)
    fields = {f"{kind.name}.{name}" for kind in kinds if kind is not None for name in kind.fields}
    needs = root_needs(schema)
    assert needs.keys() == fields
    person, thing = (Access(each) for each in (UserPrincipal(new_id(), new_id(), 0.0), THING))
    for name, need in needs.items():
        check(person, need)
        if name in PUBLIC_FIELDS:
            check(ANONYMOUS, need)
            continue
        with pytest.raises(Unauthenticated):
            check(ANONYMOUS, need)
        if need in FOR_THINGS:
            check(thing, need)
        else:
            with pytest.raises(Forbidden):
                check(thing, need)


@pytest.mark.parametrize("kind", ["Thing", "Organization", "ThingState"])
def test_a_field_that_nobody_classified_is_found(
    schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    need, names = classification.FIELDS[kind]
    first, *others = names.split()
    monkeypatch.setitem(classification.FIELDS, kind, (need, " ".join(others)))
    with pytest.raises(UnclassifiedFields, match=rf"not classified: \['{kind}.{first}'\]"):
        classify(schema)


def test_an_unclassified_root_field_and_a_stale_entry_are_found(
    schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(classification.ROOT, "Query.things")
    with pytest.raises(UnclassifiedFields, match=r"not classified: \['Query.things'\]"):
        classify(schema)
    monkeypatch.undo()
    monkeypatch.setitem(classification.ROOT, "Query.everything", SIGNED_IN)
    with pytest.raises(UnclassifiedFields, match=r"no such field: \['Query.everything'\]"):
        classify(schema)


def test_a_mutation_without_a_need_is_found() -> None:
    @strawberry.type(name="Mutation")
    class Careless(Mutation):
        @strawberry.mutation
        async def forget_everything(self) -> bool:
            return True

    made = strawberry.Schema(query=_empty_query(), mutation=Careless, types=list(NODES.values()), config=CONFIG)
    with pytest.raises(UnclassifiedFields, match=r"Mutation\.forgetEverything"):
        classify(made._schema)


def _empty_query() -> type:
    @strawberry.type(name="Query")
    class Query:
        nothing: str

    return Query


async def test_nobody_gets_anything_but_sign_in(gateway: Gateway, fleet: Fleet, schema: GraphQLSchema) -> None:
    """Every root field, asked for by nobody: UNAUTHENTICATED, and no data. Values are never looked at before."""
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    known = {"id": fleet.alder.pump.id, "ids": [fleet.alder.pump.id], "thingId": fleet.alder.pump.id}
    for name, field in schema.query_type.fields.items():
        named = {each: _literal(known[each]) for each in field.args if each in known}
        if "input" in field.args:
            named["input"] = _least(schema, str(field.args["input"].type).rstrip("!"))
        given = ", ".join(f"{each}: {value}" for each, value in named.items())
        arguments = f"({given})" if given else ""
        selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
        answer = await gateway.graphql(f"{{ {name}{arguments} {selection} }}")
        assert answer.codes == ["UNAUTHENTICATED"], name
        assert not any((answer.json.get("data") or {}).values()), name
    for name in schema.mutation_type.fields:
        if f"Mutation.{name}" in PUBLIC_FIELDS:
            continue
        kind = f"{name[0].upper()}{name[1:]}Input"
        takes_input = "input" in schema.mutation_type.fields[name].args
        if not takes_input:
            answer = await gateway.graphql(f"mutation {{ {name} {{ __typename }} }}")
            assert answer.codes == ["UNAUTHENTICATED"], name
            continue
        value = _least(schema, kind)
        answer = await gateway.graphql(f"mutation {{ {name}(input: {value}) {{ __typename }} }}")
        assert answer.codes == ["UNAUTHENTICATED"], (name, answer.json)
    wrong = {"email": "nobody@example.com", "password": "not-the-password"}
    refused = await gateway.data(LOGIN, {"input": wrong})
    assert refused["login"]["session"] is None
    assert refused["login"]["userErrors"][0]["code"] == "UNAUTHENTICATED"


def _literal(value: object) -> str:
    return str(value).replace("'", '"') if isinstance(value, list) else f'"{value}"'


def _least(schema: GraphQLSchema, kind: str) -> str:
    """The smallest literal of an input type that is valid."""
    made = assert_input_object_type(schema.type_map[kind])
    required = {name: field for name, field in made.fields.items() if is_required_input_field(field)}
    return "{" + ", ".join(f"{name}: {_value(schema, str(field.type))}" for name, field in required.items()) + "}"


def _value(schema: GraphQLSchema, written: str) -> str:
    name = written.rstrip("!")
    if name.startswith("["):
        return f"[{_value(schema, name[1:-1])}]"
    if name in LITERALS:
        return LITERALS[name]
    found = schema.type_map[name]
    return str(next(iter(found.values))) if isinstance(found, GraphQLEnumType) else _least(schema, name)
