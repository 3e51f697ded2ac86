"""Values of arguments: written as literals, as variables of every kind, or as a mixture of both.

A value is what JSON holds (enums are text); its input type says how it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)

ABSENT: Final = object()
"""The value of an argument or an input field that is left out."""

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")


class Values:
    """Writes values into one document, and keeps the variables that it needs on the way."""

    def __init__(self, drawn: Random, *, faulty: bool = False) -> None:
        """With `faulty`, now and then a variable is left out, null or of the wrong type where that is an error."""
        self.drawn = drawn
        self.faulty = faulty
        self.fields: set[str] = set()
        self._declared: dict[str, str] = {}
        self._given: dict[str, Any] = {}
        self._reusable: dict[tuple[str, bool, str], str] = {}

    def declare(self, name: str, kind: str, value: Any) -> None:
        """Declare a variable that a text names by itself; it may have a default behind its type."""
        self._declared[name] = kind
        if value is not ABSENT:
            self._given[name] = value

    def definitions(self, body: str) -> str:
        """The definitions of the variables that `body` uses: `($a: Int, $b: ID!)`, or nothing."""
        used = set(re.findall(r"\$(\w+)", body))
        written = [f"${name}: {kind}" for name, kind in self._declared.items() if name in used]
        return f"({', '.join(written)})" if written else ""

    def variables(self, body: str) -> dict[str, Any]:
        """The values of the variables that `body` uses, and sometimes one that nobody asked for."""
        used = set(re.findall(r"\$(\w+)", body))
        given = {name: value for name, value in self._given.items() if name in used}
        if self.drawn.random() < 0.03:
            given["unused"] = 1
        return given

    def write(self, kind: GraphQLInputType, value: Any, default: Any = Undefined, *, share: float = 0.35) -> str | None:
        """The text of a value in a place of the type `kind` with that default; None when it is left out.

        `share` is how often it becomes a variable.
        """
        if value is ABSENT and self.drawn.random() >= 0.1:
            return None
        if value is ABSENT:
            # A variable without a value leaves the argument out, where it may be left out.
            return self._declare(_nullable(kind), ABSENT)
        if self.drawn.random() < share or not _has_literal(kind, value):
            return self._variable(kind, value, default)
        return self.literal(kind, value)

    def literal(self, kind: GraphQLInputType, value: Any, *, constant: bool = False) -> str:
        """The value as it stands in a document; unless it is `constant`, parts of it may be variables."""
        if isinstance(kind, GraphQLNonNull):
            return self.literal(kind.of_type, value, constant=constant)
        if value is None:
            return "null"
        if isinstance(kind, GraphQLList):
            return self._list(kind, value, constant=constant)
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, value, constant=constant)
        if isinstance(kind, GraphQLEnumType):
            return str(value)
        if isinstance(value, str) and self.drawn.random() < 0.05 and value.isalnum():
            return f'"""{value}"""'
        return _plain(value)

    def _list(self, kind: GraphQLList[Any], value: Any, *, constant: bool) -> str:
        items = [self._inner(kind.of_type, item, constant=constant) for item in value]
        if len(items) == 1 and self.drawn.random() < 0.2 and not items[0].startswith(("$", "null")):
            # One item stands for a list of it.
            return items[0]
        return f"[{', '.join(items)}]"

    def _object(self, kind: GraphQLInputObjectType, value: Mapping[str, Any], *, constant: bool) -> str:
        written = []
        for name, part in value.items():
            field: GraphQLInputField = kind.fields[name]
            self.fields.add(f"{kind.name}.{name}")
            text = self._inner(field.type, part, field.default_value, constant=constant)
            written.append(f"{name}: {text}")
        return f"{{{', '.join(written)}}}"

    def _inner(self, kind: GraphQLInputType, value: Any, default: Any = Undefined, *, constant: bool) -> str:
        if not constant and (self.drawn.random() < 0.1 or not _has_literal(kind, value)):
            return self._variable(kind, value, default)
        return self.literal(kind, value, constant=constant)

    def _variable(self, kind: GraphQLInputType, value: Any, default: Any) -> str:
        """A variable that has this value: by being given, by its default, or by both."""
        name = str(_nullable(kind))
        self._note(kind, value)
        place = (str(kind), default is Undefined, repr(value))
        known = self._reusable.get(place)
        if known is not None and self.drawn.random() < 0.5:
            return known
        required = isinstance(kind, GraphQLNonNull)
        if self.faulty and self.drawn.random() < 0.1:
            return self._faulty(kind, value)
        has_literal = _has_literal(kind, value)
        way = self.drawn.randrange(5) if has_literal else 0
        if way == 0 and value is not None:
            made = self._declare(f"{name}!", value)
        elif way == 1 and not (value is None and required):
            made = self._declare(f"{name}{'!' if required else ''} = {self._constant(kind, value)}", ABSENT)
        elif way == 2 and value is not None:
            other = self._constant(kind, self._another(kind, value))
            made = self._declare(f"{name}{'!' if self.drawn.random() < 0.5 else ''} = {other}", value)
        elif way == 3 and not required:
            made = self._declare(f"{name} = {self._constant(kind, self._another(kind, value))}", value)
        else:
            nullable = not required or (default is not Undefined and value is not None)
            made = self._declare(name if nullable else f"{name}!", value)
        self._reusable[place] = made
        return made

    def _faulty(self, kind: GraphQLInputType, value: Any) -> str:
        """A variable that is wrong in one of the ways that only show when the operation runs."""
        name = str(_nullable(kind))
        match self.drawn.randrange(3):
            case 0:
                return self._declare(f"{name}!", ABSENT)
            case 1:
                return self._declare(f"{name} = {self._constant(kind, value)}" if value is not None else name, None)
            case _:
                return self._declare(f"{name}!", self.drawn.choice(("?", 1.5, [[]], {"a": 1}, 2**40, True)))

    def _constant(self, kind: GraphQLInputType, value: Any) -> str:
        return self.literal(kind, value, constant=True)

    def _another(self, kind: GraphQLInputType, value: Any) -> Any:
        """Another value of the type, for a default that must not count."""
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return value - 1 if value > 0 else value + 1
        if isinstance(inner, GraphQLEnumType):
            return self.drawn.choice(list(inner.values))
        return [] if isinstance(inner, GraphQLList) else value

    def _declare(self, kind: Any, value: Any) -> str:
        name = f"{self.drawn.choice('abcxyz')}{len(self._declared)}"
        self.declare(name, str(kind), value)
        return f"${name}"

    def _note(self, kind: GraphQLInputType, value: Any) -> None:
        """Note the input fields in a value that is given as a variable."""
        if isinstance(kind, GraphQLNonNull | GraphQLList):
            for item in value if isinstance(value, list) else [value]:
                self._note(kind.of_type, item)
        elif isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
            for name, part in value.items():
                self.fields.add(f"{kind.name}.{name}")
                self._note(kind.fields[name].type, part)


def varied(drawn: Random, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Other values for the same document: what was planned for the first ones must not show in the second answer."""
    made: dict[str, Any] = {}
    for name, value in variables.items():
        if value is None or drawn.random() < 0.04:
            # Left out: for a null, that is the same or a default.
            continue
        if isinstance(value, bool):
            made[name] = drawn.random() < 0.5
        elif isinstance(value, int):
            made[name] = drawn.randrange(5)
        elif isinstance(value, list):
            made[name] = drawn.sample(value, drawn.randrange(len(value) + 1))
        else:
            made[name] = value
    return made


def _nullable(kind: GraphQLInputType) -> GraphQLInputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _has_literal(kind: GraphQLInputType, value: Any) -> bool:
    """Whether a document can hold the value: the names in objects of the JSON scalar must be names of GraphQL."""
    inner = _nullable(kind)
    if isinstance(inner, GraphQLList):
        return not isinstance(value, list) or all(_has_literal(inner.of_type, item) for item in value)
    if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
        return all(_has_literal(inner.fields[name].type, part) for name, part in value.items())
    return not isinstance(inner, GraphQLScalarType) or _is_plain(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_NAME.match(name) and _is_plain(part) for name, part in value.items())
    return all(map(_is_plain, value)) if isinstance(value, list) else True


def _plain(value: Any) -> str:
    """A scalar as a literal; objects and lists of the JSON scalar, too."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_plain(part)}' for name, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return json.dumps(value, ensure_ascii=False)
