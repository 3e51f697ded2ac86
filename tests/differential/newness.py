"""Answers without what is new in each run: two gateways that did the same made other ids, at other moments."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tests.differential.world import FAR, START

_ID: Final = re.compile(r"\b[a-z]+_([0-9a-f]{32})\b|\b([0-9a-f]{32})\b")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_TOKEN: Final = re.compile(r"ey[\w-]+\.[\w-]+\.[\w-]+")
_SECRET: Final = re.compile(r"[\w-]{43}")
_PUBLIC_KEY: Final = re.compile(r"-----BEGIN PUBLIC KEY-----[\w+/=\s]+-----END PUBLIC KEY-----\n?")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_CURSOR: Final = re.compile(r"WyJ[\w-]+")
_PLACE: Final = re.compile(r"[MNO][\w-]{2,40}")
"""Maybe a place in the log: base64 of two numbers."""


class Newness:
    """Replaces what is new in the answers of one gateway: ids by numbers, moments and secrets by words."""

    def __init__(self, known: Mapping[str, list[str]]) -> None:
        """`known` are the ids that are not new."""
        self._known = {identity.partition("_")[2] for ids in known.values() for identity in ids}
        self._numbers: dict[str, int] = {}

    def without(self, value: Any) -> Any:
        """The same data, comparable with that of another gateway."""
        if isinstance(value, dict):
            return {key: self.without(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.without(part) for part in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if _CURSOR.fullmatch(text):
            return f"<cursor of {self._opened(text)}>"
        if _PLACE.fullmatch(text):
            return self._place(text)
        if _SECRET.fullmatch(text):
            return "<secret>"
        if _PUBLIC_KEY.fullmatch(text) or _DIGEST.fullmatch(text):
            # A key pair that was made is another one in each; the same text stays the same.
            return self._id(text, text)
        text = _TOKEN.sub("<token>", text)
        text = _MOMENT.sub(lambda match: self._moment(match[0]), text)
        return _ID.sub(lambda match: self._id(match[0], match[1] or match[2]), text)

    def _opened(self, cursor: str) -> str:
        padded = cursor + "=" * (-len(cursor) % 4)
        return orjson.dumps(self.without(orjson.loads(base64.urlsafe_b64decode(padded)))).decode()

    def _place(self, text: str) -> str:
        """A place in the log without the transaction, whose id is of the server; any other text as it is."""
        opened = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
        numbers = re.fullmatch(rb"[0-9]+\.([0-9]+)", opened)
        return text if numbers is None else f"<place {numbers[1].decode()}>"

    def _moment(self, text: str) -> str:
        old = text < START.isoformat() or text >= FAR.isoformat()
        return text if old else "<moment>"

    def _id(self, text: str, key: str) -> str:
        if key in self._known:
            return text
        return text.replace(key, f"<new {self._numbers.setdefault(key, len(self._numbers))}>")
