"""Generated code: functions written once per plan, each one expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.plans.values import Expression


class Names:
    """The names that the code of a function uses, each for one object."""

    __slots__ = ("_aliases", "_objects")

    def __init__(self) -> None:
        """No names yet."""
        self._objects: dict[str, Any] = {}
        self._aliases: dict[int, str] = {}

    def over(self, expression: Expression, source: str) -> str:
        """The code of an expression for the value that `source` is code for."""
        return self.adopt(expression.over(source), expression.names)

    def adopt(self, code: str, names: Mapping[str, Any]) -> str:
        """The code with its names replaced by those that the objects have here."""
        for name, value in names.items():
            code = re.sub(rf"\b{name}\b", self.name(value), code)
        return code

    def name(self, value: Any) -> str:
        """The name of an object."""
        alias = self._aliases.get(id(value))
        if alias is None:
            alias = self._aliases[id(value)] = f"n{len(self._objects)}"
            self._objects[alias] = value
        return alias

    def define(self, expression: str, parameters: str) -> Any:
        """A function of the parameters that returns the expression.

        All that comes from a client in the code is response keys, which are GraphQL names, written as Python literals.
        """
        scope = dict(self._objects)
        exec(f"def made({parameters}):\n    return {expression}", scope)  # noqa: S102
        return scope["made"]


def literal(outputs: Iterable[tuple[str, str]]) -> str:
    """The code of a dict, from its keys and the code of their values."""
    return "{" + ", ".join(f"{key!r}: {code}" for key, code in outputs) + "}"
