"""What every field needs, and the guard of the root fields: denied unless classified.

Mutations say what they need where they are made (`resolvers.mutation`); queries, subscriptions and the fields of object
types are classified in `resolvers.classification`. A schema with a field that nobody classified cannot be built.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Final

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from engine.declarations import is_early
from models.enums import Permission
from resolvers.classification import FIELDS, ROOT
from resolvers.mutation import NEEDS, Need, Needs
from services.access import THING_PERMISSIONS, Access
from services.errors import Forbidden, Unauthenticated


class UnclassifiedFields(Exception):
    """The schema and the classification do not fit."""


PROVING: Final = frozenset({"Mutation.reportThingState", "Mutation.reportThingStates", "Mutation.myNextUpdate"})
"""Root fields that are resolved by a presumed access, and prove it by the statement that decides what they do."""


def guard(schema: GraphQLSchema) -> None:
    """Put the guard before every root field; raises UnclassifiedFields when any field has no class, or no field its."""
    needs = root_needs(schema)
    for root in (schema.query_type, schema.mutation_type):
        for name, field in root.fields.items() if root else ():
            if field.resolve is None:
                raise UnclassifiedFields(f"{root}.{name} has no resolver to guard")
            key = f"{root}.{name}"
            resolve = _behind_the_position(field.resolve) if root is schema.query_type else field.resolve
            resolve = _guarded(resolve, needs[key], presumes=key in PROVING)
            field.resolve = _asking(resolve) if is_early(field) else resolve
    if schema.subscription_type is not None:
        for name, field in schema.subscription_type.fields.items():
            if field.subscribe is None or field.resolve is None:
                raise UnclassifiedFields(f"Subscription.{name} has no stream to guard")
            field.subscribe = _guarded(field.subscribe, needs[f"Subscription.{name}"])
            # Each event is executed in a context of its own, which reads the access anew.
            field.resolve = _guarded(field.resolve, needs[f"Subscription.{name}"])


def root_needs(schema: GraphQLSchema) -> dict[str, Need]:
    """What each root field needs, by `Query.thing` and its like: what `guard` holds against the caller with `check`.

    For an executor that does not call the guarded resolvers: it calls `check(access, need)` itself, once for each root
    field that an operation selects, before anything of it is read. Raises as `classify` does.
    """
    roots = {root.name for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root}
    return {name: need for name, need in classify(schema).items() if name.partition(".")[0] in roots}


def classify(schema: GraphQLSchema) -> dict[str, Need]:
    """What each `Type.field` of the schema needs; raises UnclassifiedFields for gaps and for stale entries."""
    needs: dict[str, Need] = {}
    missing: list[str] = []
    listed = {f"{kind}.{name}": need for kind, (need, names) in FIELDS.items() for name in names.split()} | ROOT
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) or kind.name.startswith("__"):
            continue
        for name, field in kind.fields.items():
            key = f"{kind.name}.{name}"
            need = _declared(field) or listed.pop(key, None) or _structural(kind.name)
            if need is None:
                missing.append(key)
            else:
                needs[key] = need
    if missing or listed:
        raise UnclassifiedFields(f"not classified: {sorted(missing)}; no such field: {sorted(listed)}")
    return needs


def _declared(field: GraphQLField) -> Need | None:
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    need: Need | None = (getattr(declared, "metadata", None) or {}).get(NEEDS)
    return need


def _structural(kind: str) -> Need | None:
    """Connections, edges and payloads hold nothing of their own: what is in them has been scoped already."""
    return Needs.NOTHING if kind.endswith(("Connection", "Edge", "Payload")) else None


def _guarded(resolve: Callable[..., Any], need: Need, *, presumes: bool = False) -> Callable[..., Any]:
    async def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        context = info.context
        check(await (context.presumed_access() if presumes else context.resolve_access()), need)
        result = resolve(source, info, **arguments)
        return await result if isawaitable(result) else result

    return guarded


def _behind_the_position(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Resolve when the place in the event log has been read, if a field of the operation asks for it.

    Who goes on from that place must miss nothing of what happened after the lists beside it were read.
    """

    async def resolved(source: Any, info: Any, **arguments: Any) -> Any:
        await info.context.position_if_asked()
        result = resolve(source, info, **arguments)
        return await result if isawaitable(result) else result

    return resolved


def _asking(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for the place when the field is called: the reference executor calls all root fields before any goes on."""

    def asking(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.ask_for_position()
        return resolve(source, info, **arguments)

    return asking


def check(access: Access, need: Need) -> None:
    """Raise Unauthenticated for nobody, Forbidden for the wrong kind of principal: the one check of root fields.

    It asks what kind of principal there is and nothing of their roles, so nobody is refused by an access that is no
    longer current. A person with a permission in no organization passes: the service will find nothing for them, and
    says so.
    """
    if need is Needs.NOTHING:
        return
    if access.principal is None:
        raise Unauthenticated("sign in first")
    if access.thing is None:
        return
    if need is Needs.PERSON or (isinstance(need, Permission) and not _thing_may(need)):
        raise Forbidden("a thing cannot do this")


def _thing_may(need: Permission) -> bool:
    return need in THING_PERMISSIONS or need.value.endswith(":read")
