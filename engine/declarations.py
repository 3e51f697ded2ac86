"""What a field may be: a column, a computed value, or an edge. Read by every executor, knowing none.

The declaration of a field is its metadata: `field.metadata[DECLARATION]`. `engine.fields` has the constructors that
types are written with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from graphql import GraphQLField
from sqlalchemy import Column as SqlColumn
from sqlalchemy import ColumnElement
from strawberry.schema.schema_converter import GraphQLCoreConverter

from engine.keyset import Order
from engine.statements import Link

DECLARATION: Final = "declaration"
EARLY: Final = "early"
"""In the metadata of a root field of queries: it is resolved before anything else of the operation is read."""


@dataclass(frozen=True, slots=True)
class Column:
    """A value of the row as it is; `read` turns what the column holds into what GraphQL serializes."""

    name: str
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """The global id: the type's prefix and the row's key."""

    name: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A function of columns that it names."""

    names: tuple[str, ...]
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Contextual:
    """A function of the context of the operation and of columns that it names."""

    names: tuple[str, ...]
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Part:
    """An object of its own in the graph that is made of the same row."""


@dataclass(frozen=True, slots=True)
class ToOne:
    """The one row whose `child` column equals the parent's `parent` value."""

    parent: str
    child: SqlColumn[Any]


@dataclass(frozen=True, slots=True)
class ToListed:
    """The rows whose ids the parent lists, in that order; used by payloads."""

    parent: str
    child: SqlColumn[Any]


@dataclass(frozen=True, slots=True)
class ToAll:
    """Every row of the parent; `value` names the one column that stands for the row, if one does."""

    parent: str
    link: Link
    order: Order
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Views:
    """Views of a list: an argument with the words of an enum, each of which says which rows there are.

    `argument` is its name, one word, so that it is the same in Python and in the schema. `default` counts when it is
    left out, or null. The rows of a word meet its condition; a word without one shows all of them.
    """

    argument: str
    words: type[Enum]
    default: Enum
    conditions: Mapping[Any, ColumnElement[bool]]
    description: str

    def word(self, arguments: Mapping[str, Any]) -> Enum:
        """The word that arguments ask for."""
        wanted: Enum | None = arguments.get(self.argument)
        return self.default if wanted is None else self.words(wanted)

    def condition(self, word: Enum) -> list[ColumnElement[bool]]:
        """What rows meet in the view of a word."""
        return [self.conditions[word]] if word in self.conditions else []


@dataclass(frozen=True, slots=True)
class ToMany:
    """A connection: pages of the rows of the parent, or of all rows when `parent` is None (a root list)."""

    parent: str | None
    link: Link
    order: Order
    filter: bool = False
    orderings: Mapping[Any, SqlColumn[Any]] | None = None
    views: Views | None = None


@dataclass(frozen=True, slots=True)
class ById:
    """The row that a global id names, for root fields; or the one that a natural key names.

    `natural` turns the arguments, by their Python names and without those left out, into the condition of the one row.
    It is asked when they are anything but `id` alone, and raises BadUserInput when they do not go together.
    """

    child: SqlColumn[Any]
    prefix: str
    natural: Callable[[Mapping[str, Any]], ColumnElement[bool]] | None = None


@dataclass(frozen=True, slots=True)
class AnyById:
    """The object of any type that the argument `id` names; or those that `ids` name, when it is `listed`."""

    listed: bool = False


Value = Column | Identifier | Computed | Contextual | Part
Edge = ById | AnyById | ToOne | ToListed | ToAll | ToMany
Declaration = Value | Edge


def is_early(field: GraphQLField) -> bool:
    """Whether a root field is resolved before anything else is read."""
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return bool((getattr(declared, "metadata", None) or {}).get(EARLY))
