"""Generated operations: valid documents over the whole schema, with the values of their variables.

The same schema, world and label give the same operation. GraphQL's rule that fields of one response key must merge is
kept by construction: a `Scope` remembers what each key of a selection stands for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    do_types_overlap,
    get_named_type,
    is_leaf_type,
)

from tests.differential.arguments import PREFIXES, Arguments, Known
from tests.differential.values import ABSENT, Values, varied

MAX_DEPTH: Final = 5
"""Objects inside objects, connections and edges not counted."""
FAULTY: Final = 0.15
"""The share of operations in which values may be wrong."""
OFTEN: Final = ("things", "thing", "nodes", "node", "organizations", "groups", "viewer", "thingStats")
"""Root fields that are drawn more often than others."""
INTROSPECTION: Final = (
    "__schema { queryType { name } types { name kind } }",
    '__type(name: "Thing") { name fields { name type { name ofType { name } } } }',
    '__type(name: "Nothing") { name }',
    "__type(name: $kind) { name }",
)

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
ABSTRACT: Final = ("Node", "Event", "FleetEvent")
"""All interfaces and unions: behind them may be any of several types."""


@dataclass(frozen=True)
class Operation:
    """A document, its variables, and what it holds."""

    label: str
    text: str
    variables: dict[str, Any]
    name: str | None
    introspects: bool
    is_faulty: bool
    """Whether values in it may be wrong."""
    coordinates: frozenset[str]
    """The fields (`Thing.name`), arguments (`Query.things(first:)`) and input fields that it is made of."""


@dataclass
class Key:
    """What a response key stands for: a type, and by the parent types the fields with their arguments."""

    kind: str
    uses: dict[str, tuple[str, str]] = field(default_factory=dict)
    inside: Scope = field(default_factory=lambda: Scope())  # noqa: PLW0108 - Scope stands further down

    def takes(self, parent: str, use: tuple[str, str], kind: str) -> bool:
        """Whether the field may stand under this key, too."""
        rivals = (other for other in self.uses if parent in {other, *ABSTRACT} or other in ABSTRACT)
        return self.kind == kind and all(self.uses[other] == use for other in rivals)


class Scope(dict[str, Key]):
    """The response keys of a selection, those that its fragments bring included."""

    def add(self, key: str, parent: str, use: tuple[str, str], kind: str) -> Scope:
        """Note a field; gives the scope of its selection."""
        found = self.setdefault(key, Key(kind))
        found.uses[parent] = use
        return found.inside

    def takes(self, other: Scope) -> bool:
        """Whether a fragment with these keys may be spread here."""
        for key, added in other.items():
            found = self.get(key)
            if found is None:
                continue
            if not all(found.takes(parent, use, added.kind) for parent, use in added.uses.items()):
                return False
            if not found.inside.takes(added.inside):
                return False
        return True

    def join(self, other: Scope) -> None:
        """Note the keys of a fragment that is spread here."""
        for key, added in other.items():
            found = self.setdefault(key, Key(added.kind))
            found.uses |= added.uses
            found.inside.join(added.inside)


@dataclass
class Fragment:
    """A named fragment."""

    name: str
    kind: Composite
    scope: Scope
    text: str


class Writer:
    """Writes one operation."""

    def __init__(self, schema: GraphQLSchema, known: Known, label: str, *, faulty: float = FAULTY) -> None:
        """`label` is the seed, `faulty` how likely it is that values may be wrong."""
        self.schema = schema
        self.drawn = Random(label)
        self.label = label
        is_faulty = self._hits(faulty)
        self.values = Values(self.drawn, faulty=is_faulty)
        self.arguments = Arguments(self.drawn, schema, known, faulty=is_faulty)
        self.budget = self.drawn.choice((4, 6, 8, 12, 16, 24, 40))
        self._fragments: list[Fragment] = []
        self._aliases = 0
        self._behind: Sequence[str] = ()
        """The types that may stand behind the interface that is being selected from."""
        self._coordinates: set[str] = set()

    def query(self) -> Operation:
        """A query."""
        root = self.schema.query_type
        assert root is not None
        introspects = self._hits(0.02)
        parts = [self.drawn.choice(INTROSPECTION)] if introspects else []
        self.values.declare("kind", 'String! = "Group"', self.drawn.choice((ABSENT, "Thing")))
        scope = Scope()
        if not introspects or self._hits(0.5):
            parts += [self._selection(root, scope, 0) for _ in range(self.drawn.choice((1, 1, 1, 1, 2, 3)))]
        self.drawn.shuffle(parts)
        return self.finish("query", " ".join(parts), introspects=introspects)

    def finish(self, kind: str, body: str, *, introspects: bool = False) -> Operation:
        """The operation around a selection."""
        fragments = [f"fragment {each.name} on {each.kind.name} {each.text}" for each in self._used_fragments(body)]
        whole = " ".join([body, *fragments])
        definitions = self.values.definitions(whole)
        name: str | None = self.drawn.choice(("Q", "Query", "things", None))
        if kind == "query" and not definitions and name is None and self._hits(0.5):
            text = f"{{ {body} }}"
        else:
            text = f"{kind} {name or ''}{definitions} {{ {body} }}"
        # Fragments stand before the operation, behind it, or on both sides.
        place = self.drawn.randrange(len(fragments) + 1)
        documents = [*fragments[:place], text, *fragments[place:]]
        if name is not None and self._hits(0.05):
            documents.append("query Other { viewer { isPlatformAdmin } }")
        else:
            name = self.drawn.choice((name, None))
        used = frozenset(self._coordinates | self.values.fields)
        return Operation(
            label=self.label,
            text="\n".join(documents),
            variables=self.values.variables(whole),
            name=name,
            introspects=introspects,
            is_faulty=self.values.faulty,
            coordinates=used,
        )

    def _used_fragments(self, body: str) -> list[Fragment]:
        """The fragments that the body spreads, directly or through others; some were written and then not taken."""
        used: set[str] = set()
        texts = [body]
        while texts:
            for name in set(re.findall(r"\.\.\.(F\d+)", texts.pop())) - used:
                used.add(name)
                texts += [each.text for each in self._fragments if each.name == name]
        return [each for each in self._fragments if each.name in used]

    def selections(self, kind: Composite, scope: Scope, depth: int) -> str:
        """A selection set of a type."""
        width = self.drawn.choice((1, 1, 2, 2, 3, 4, 6))
        if not isinstance(kind, GraphQLObjectType):
            width += 2
        made = [self._selection(kind, scope, depth) for _ in range(width)]
        return f"{{ {' '.join(made)} }}"

    def _selection(self, kind: Composite, scope: Scope, depth: int) -> str:
        roll = self.drawn.random()
        if roll < 0.07:
            return self._typename(kind, scope)
        if roll < 0.15 or (not isinstance(kind, GraphQLObjectType) and roll < 0.9):
            return self._inline(kind, scope, depth)
        if roll < 0.21 or isinstance(kind, GraphQLUnionType):
            return self._spread(kind, scope, depth)
        return self._field(kind, scope, depth)

    def _typename(self, kind: Composite, scope: Scope) -> str:
        key = self._key("__typename", kind.name, ("__typename", ""), "String!", scope)
        scope.add(key, kind.name, ("__typename", ""), "String!")
        return f"{_aliased(key, '__typename')}{self._directives()}"

    def _inline(self, kind: Composite, scope: Scope, depth: int) -> str:
        """An inline fragment: on the type itself, on its interface, on one of its types, or on none."""
        narrowed = self._condition(kind)
        if narrowed is not kind and isinstance(kind, GraphQLObjectType):
            self._behind = [kind.name]
        on = f" on {narrowed.name}" if narrowed is not kind or self._hits(0.6) else ""
        return f"...{on}{self._directives()} {self.selections(narrowed, scope, depth)}"

    def _condition(self, kind: Composite) -> Composite:
        """A type that a fragment inside `kind` may be on."""
        others = [each for each in self._abstract() if each is not kind and self._may_stand(each, kind)]
        if others and self.budget > 0 and self._hits(0.15):
            # Each costs something, since a fragment on an abstract type is full of fragments.
            self.budget -= 1
            return self.drawn.choice(others)
        if isinstance(kind, GraphQLObjectType):
            return kind
        if self.budget > 0 and self._hits(0.1):
            self.budget -= 1
            return kind
        possible = self.schema.get_possible_types(kind)
        likely = [each for each in possible if each.name in self._behind]
        return self.drawn.choice(likely if likely and self._hits(0.8) else possible)

    def _abstract(self) -> list[Composite]:
        kinds = (self.schema.type_map[name] for name in ABSTRACT)
        return [each for each in kinds if isinstance(each, GraphQLInterfaceType | GraphQLUnionType)]

    def _spread(self, kind: Composite, scope: Scope, depth: int) -> str:
        """A named fragment: one that is there already, if it fits, or a new one."""
        for known in self.drawn.sample(self._fragments, len(self._fragments)):
            if self._may_stand(known.kind, kind) and scope.takes(known.scope) and self._hits(0.7):
                scope.join(known.scope)
                return f"...{known.name}{self._directives()}"
        if len(self._fragments) >= 8:
            return self._other(kind, scope, depth)
        narrowed, own = self._condition(kind), Scope()
        text = self.selections(narrowed, own, depth)
        if not scope.takes(own):
            return self._other(kind, scope, depth)
        made = Fragment(f"F{len(self._fragments)}", narrowed, own, text)
        self._fragments.append(made)
        scope.join(own)
        return f"...{made.name}{self._directives()}"

    def _may_stand(self, inner: Composite, outer: Composite) -> bool:
        """Whether a fragment on `inner` may be spread where `outer` is selected."""
        return do_types_overlap(self.schema, inner, outer)

    def _other(self, kind: Composite, scope: Scope, depth: int) -> str:
        """What may always stand where a fragment may not."""
        if isinstance(kind, GraphQLUnionType):
            return self._typename(kind, scope)
        return self._field(kind, scope, depth)

    def _field(self, kind: GraphQLObjectType | GraphQLInterfaceType, scope: Scope, depth: int) -> str:
        """A field, with its arguments, directives and selection."""
        name, declared = self._choose(kind, depth)
        if declared is None:
            return self._typename(kind, scope)
        self.budget -= 1
        self._coordinates.add(f"{kind.name}.{name}")
        arguments = self._arguments(kind.name, name, declared)
        return self.written(kind, name, declared, arguments, scope, depth)

    def root(self, kind: GraphQLObjectType, name: str, arguments: str, scope: Scope) -> str:
        """A root field of a mutation or a subscription, with these arguments and without a condition."""
        return self.written(kind, name, kind.fields[name], arguments, scope, 0, conditions=False)

    def written(
        self,
        kind: Composite,
        name: str,
        declared: GraphQLField,
        arguments: str,
        scope: Scope,
        depth: int,
        *,
        conditions: bool = True,
    ) -> str:
        """A field with these arguments."""
        use, result = (name, arguments), str(declared.type)
        known = scope.get(name)
        if known is not None and known.kind == result and kind.name in known.uses and self._hits(0.5):
            # Written once more: with the arguments of the first time, it is the same field.
            same = known.uses[kind.name]
            use = same if same[0] == name else use
        key = self._key(name, kind.name, use, result, scope)
        inside = scope.add(key, kind.name, use, result)
        text = f"{_aliased(key, name)}{use[1]}{self._directives() if conditions else ''}"
        inner = get_named_type(declared.type)
        if isinstance(inner, Composite):
            deeper = depth if inner.name.endswith(("Connection", "Edge", "PageInfo")) else depth + 1
            text += f" {self.selections(inner, inside, deeper)}"
        return text

    def _choose(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> tuple[str, GraphQLField | None]:
        """A field that still fits: a leaf when the operation is deep or long enough."""
        leaves = {name: each for name, each in kind.fields.items() if is_leaf_type(get_named_type(each.type))}
        if depth == 0:
            # The one value among the root fields is drawn as often as any of them.
            leaves = {}
        others = {name: each for name, each in kind.fields.items() if name not in leaves}
        shallow = self.budget <= 0 or depth >= MAX_DEPTH
        if shallow:
            # Inside a connection, objects that lead nowhere further.
            others = {name: each for name, each in others.items() if name in {"pageInfo", "counts", "userErrors"}}
        chosen = others if others and (not leaves or self._hits(0.6)) else leaves
        if kind.name.endswith(("Connection", "Edge")) and not shallow and self._hits(0.5):
            chosen = others
        if not chosen:
            return "__typename", None
        often = [each for each in OFTEN if each in chosen] if depth == 0 else []
        name = self.drawn.choice(often if often and self._hits(0.4) else list(chosen))
        return name, chosen[name]

    def _arguments(self, parent: str, name: str, declared: GraphQLField) -> str:
        """The arguments as text."""
        written = []
        given = self.arguments.of(parent, name, declared)
        if parent == "Query" and name in {"node", "nodes"}:
            ids = given.get("ids", [given.get("id")])
            self._behind = [kind for kind, prefix in PREFIXES.items() if any(each.startswith(prefix) for each in ids)]
        for each, value in given.items():
            argument = declared.args[each]
            text = self.values.write(argument.type, value, argument.default_value)
            if text is not None:
                self._coordinates.add(f"{parent}.{name}({each}:)")
                written.append(f"{each}: {text}")
        return f"({', '.join(written)})" if written else ""

    def _key(self, name: str, parent: str, use: tuple[str, str], kind: str, scope: Scope) -> str:
        """A response key: the name of the field, or an alias where that is taken or by choice."""
        wanted = name
        if self._hits(0.1):
            self._aliases += 1
            wanted = self.drawn.choice((f"a{self._aliases}", f"a{self._aliases}", "id", "name", "_"))
        known = scope.get(wanted)
        while known is not None and not known.takes(parent, use, kind):
            self._aliases += 1
            wanted = f"{name}{self._aliases}"
            known = scope.get(wanted)
        return wanted

    def _directives(self) -> str:
        """Mostly nothing."""
        written = ""
        for name, kept in (("skip", False), ("include", True)):
            if self._hits(0.05):
                value = kept if self._hits(0.7) else not kept
                text = self.values.write(GraphQLNonNull(GraphQLBoolean), value, share=0.6)
                written += f" @{name}(if: {text})"
        return written

    def _hits(self, share: float) -> bool:
        return self.drawn.random() < share


def _aliased(key: str, name: str) -> str:
    return name if key == name else f"{key}: {name}"


def plain_operation(text: str, variables: dict[str, Any] | None = None) -> Operation:
    """An operation that was written by hand."""
    return Operation(
        "by hand", text, variables or {}, None, introspects=False, is_faulty=False, coordinates=frozenset()
    )


def again(operation: Operation) -> Operation:
    """The same document with other values of its variables."""
    label = f"{operation.label}, again"
    return replace(operation, label=label, variables=varied(Random(label), operation.variables))


def draw_query(schema: GraphQLSchema, known: Known, label: str) -> Operation:
    """The query of this label."""
    return Writer(schema, known, label).query()
