"""What a statement selects, read from its text."""

from __future__ import annotations

import re
from typing import Final

PROOF: Final = "access_epoch"
"""What proves that the access is as it was when it was read; the first statement of a query brings it."""


def selected(statement: str) -> set[str]:
    """The columns that a statement selects, without the tables in front of them, and without the proof."""
    depth = 0
    words = re.findall(r"[(),]|[^\s(),]+", statement)
    assert words[0].upper() == "SELECT", statement
    chosen: list[list[str]] = [[]]
    for word in words[1:]:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word.upper() == "FROM":
            break
        if depth == 0 and word == ",":
            chosen.append([])
        else:
            chosen[-1].append(word)
    return {each[-1].rpartition(".")[2].strip('"') for each in chosen} - {PROOF}
