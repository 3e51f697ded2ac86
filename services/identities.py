"""What a thing says that it is: a flat JSON object of attributes, compared in one canonical form.

The canonical form is the object as JSON in UTF-8 without white space, its keys in the order of their code points; texts
and numbers stay as they are given, so that "1", 1 and 1.0 are three values, and lists keep their order. Its SHA-256
finds the thing in its organization (mender.identity.submit-auth-request).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from models.enums import AttributeScope
from services.errors import InvalidInput
from services.thing_parts import AttributeDraft, check_value
from services.validation import Path, check_name

MAX_ATTRIBUTES: Final = 20
NAME_LENGTH: Final = 254
NAMING: Final = ("name", "hostname", "serial", "serial_number", "sn", "mac", "imei", "id")
"""The attributes that a new thing is named by, the first that it has; else by the first of all."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Checked identity data, and the SHA-256 of their canonical form."""

    values: Mapping[str, Any]
    digest: bytes

    @classmethod
    def read(cls, text: str, path: Path) -> Identity:
        """Identity data from JSON; raises InvalidInput as `of` does."""
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise InvalidInput("the identity data are not JSON", path) from error
        return cls.of(values, path)

    @classmethod
    def of(cls, values: Any, path: Path) -> Identity:
        """Identity data: 1 to 20 attributes, each a text of at most 1,024 characters, a number, or a list of these.

        Raises InvalidInput for everything else.
        """
        if not isinstance(values, Mapping) or not 1 <= len(values) <= MAX_ATTRIBUTES:
            raise InvalidInput(f"an identity is a JSON object of 1 to {MAX_ATTRIBUTES} attributes", path)
        checked = {}
        for name, value in values.items():
            if check_name(name, path) != name:
                raise InvalidInput("the name of an attribute has no white space around it", path)
            checked[name] = check_value(value, (*path, name))
        return cls(checked, hashlib.sha256(orjson.dumps(checked, option=orjson.OPT_SORT_KEYS)).digest())

    @property
    def name(self) -> str:
        """What people may call the thing until they name it."""
        chosen = next((each for each in NAMING if each in self.values), min(self.values))
        value = self.values[chosen]
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return text.strip()[:NAME_LENGTH].strip() or chosen

    @property
    def attributes(self) -> list[AttributeDraft]:
        """The same as attributes of the thing."""
        return [AttributeDraft(AttributeScope.IDENTITY, name, value) for name, value in self.values.items()]
