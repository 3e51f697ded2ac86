"""Which media type an Accept header asks for."""

from __future__ import annotations

import pytest

from endpoints.negotiation import GRAPHQL, answer_type, prefers_html

JSON = "application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL}; q=0.5, */*;q=0.1", GRAPHQL),
        (f"{JSON}, */*", JSON),
        (f"{GRAPHQL};charset=utf-8", GRAPHQL),
        (f'{JSON}; charset="UTF-8"', JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON};q=0", None),
        (f"{GRAPHQL};q=0, {JSON};q=0", None),
        ("text/html", None),
        ("text/html, */*;q=0.1", JSON),
        (f"{JSON};q=x", None),
        (f"{JSON};q=7", None),
        (f"{JSON};q=nan", None),
        (";;,,/,=", None),
        ("multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9", GRAPHQL),
        (",".join(["text/html"] * 60 + [JSON]), None),
    ],
)
def test_answer_type(accept: str | None, expected: str | None) -> None:
    assert answer_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("*/*", False),
        ("text/*", False),
        (JSON, False),
        (f"{JSON}, text/html", False),
        (f"{JSON};q=0.5, text/html", True),
        (None, False),
    ],
)
def test_prefers_html(accept: str | None, expected: bool) -> None:  # noqa: FBT001
    assert prefers_html(accept) is expected
