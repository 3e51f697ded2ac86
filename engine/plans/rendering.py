"""Statements as their drivers take them: text and parameters, compiled by SQLAlchemy once and reused.

Parameters whose values change from request to request have names: `key` and `keys` (of parents, in the raw form of the
driver), `start_0`, `start_1`, ... (the values behind a cursor), and those of the access scope. All others are constants
of the text that they belong to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson
from sqlalchemy import BindParameter, Column, Dialect, Select, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect

from sql.sets import ValueSet

T = TypeVar("T")
Process = Callable[[Any], Any]
RAW: Final = frozenset({"key", "keys"})
"""Parameters whose values are in the raw form already."""
START: Final = "start_"
VARIANTS: Final = 64
"""Texts kept for one step: by shape of the scope, filter, order, size and place of the page."""


def _number_or_json(value: Any) -> Any:
    """SQLite's columns of type JSON have numeric affinity: the text of a number comes back as a number."""
    return value if isinstance(value, int | float) else orjson.loads(value)


DIALECTS: Final[Mapping[str, Dialect]] = {
    "postgresql": postgresql_dialect(json_deserializer=orjson.loads),  # type: ignore[no-untyped-call]
    "sqlite": sqlite_dialect(json_deserializer=_number_or_json),
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement with what its parameters are: constants by their place, and slots that each request fills."""

    text: str
    constants: tuple[Any, ...]
    slots: tuple[tuple[int, str, Process | None], ...]

    def parameters(self, values: Mapping[str, Any], scope: Callable[[str, Process | None], Any]) -> list[Any]:
        """The parameters in their order: `values` for the names of the request, `scope` for those of the access."""
        filled = list(self.constants)
        for place, name, process in self.slots:
            if name not in values:
                filled[place] = scope(name, process)
            else:
                value = values[name]
                filled[place] = value if process is None else process(value)
        return filled


def render(statement: Select[Any], dialect: str, changing: Collection[str]) -> Rendered:
    """Compile a statement. `changing` names the parameters of the scope, whose values each request has anew."""
    compiled = statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"render_postcompile": True})
    constants: list[Any] = []
    slots: list[tuple[int, str, Process | None]] = []
    for place, name in enumerate(compiled.positiontup or ()):
        parameter: BindParameter[Any] = compiled.binds[name]
        process = None if name in RAW else bind_process(parameter.type, dialect)
        if name in RAW or name.startswith(START) or name in changing:
            constants.append(None)
            slots.append((place, name, process))
        else:
            value = parameter.effective_value
            constants.append(value if process is None else process(value))
    return Rendered(str(compiled), tuple(constants), tuple(slots))


def bind_process(kind: Any, dialect: str) -> Process | None:
    """How a value of a column type goes to the driver; None when it goes as it is."""
    process: Process | None = kind.dialect_impl(DIALECTS[dialect]).bind_processor(DIALECTS[dialect])
    return process


def key_parameter(column: Column[Any]) -> BindParameter[Any]:
    """The parameter for one key, in the driver's raw form."""
    return bindparam("key", type_=column.type)


def keys_parameter(column: Column[Any]) -> BindParameter[Any]:
    """The parameter for several keys, in the driver's raw form: see `raw_keys`."""
    return bindparam("keys", type_=ValueSet(column.type, as_text=False))


def raw_keys(keys: list[Any], dialect: str) -> Any:
    """Several raw keys as one parameter: an array on PostgreSQL, JSON text on SQLite."""
    return keys if dialect == "postgresql" else orjson.dumps(keys).decode()


class Recent(Generic[T]):
    """What was made lately, by key: bounded, the least recently used one goes first."""

    __slots__ = ("_kept", "_limit")

    def __init__(self, limit: int) -> None:
        """Keep at most `limit`."""
        self._limit = limit
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def get(self, key: Hashable) -> T | None:
        """What is kept under the key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: T) -> T:
        """Keep a value, and give it back."""
        self._kept[key] = value
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return value
