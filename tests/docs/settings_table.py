"""The table of settings in the README, made from `services/settings.py`.

    python -m tests.docs.settings_table

writes it anew into the README, between the two comments that mark its place.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from services.settings import Settings
from tests.docs.pages import README

BEGIN = "<!-- settings: begin -->"
END = "<!-- settings: end -->"
_PLACE = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)


def table() -> str:
    """The settings as a table in Markdown: name, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        default = field.default_factory() if field.default is PydanticUndefined else field.default  # type: ignore[call-arg, misc]
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{prefix}{name.upper()}` | {_written(default)} | {meaning} |")
    return "\n".join(rows)


def written_into(text: str) -> str:
    """The text of the README with the table in its place."""
    if not _PLACE.search(text):
        raise ValueError(f"the README has no place for the table: {BEGIN} ... {END}")
    return _PLACE.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", text)


def _written(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        raise TypeError("a secret has no default")
    if isinstance(value, list | dict):
        return f"`{json.dumps(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    README.write_text(written_into(README.read_text(encoding="utf-8")), encoding="utf-8")
