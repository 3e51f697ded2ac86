"""Which media type an Accept header asks for."""

from __future__ import annotations

import pytest

from endpoints.negotiation import EVENT_STREAM, GRAPHQL, MULTIPART, accepted, answer_type, prefers_html

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


SPECIFIED = f"{MULTIPART};subscriptionSpec=1.0"


@pytest.mark.parametrize(
    ("accept", "stream", "streams_all"),
    [
        (None, None, False),
        ("*/*", None, False),
        ("text/*", None, False),
        (JSON, None, False),
        (EVENT_STREAM, EVENT_STREAM, True),
        (f"{EVENT_STREAM};q=0", None, False),
        (f"{EVENT_STREAM};charset=latin1", None, False),
        (f"{EVENT_STREAM}, {JSON}", EVENT_STREAM, False),
        (f"{EVENT_STREAM}, */*;q=0.1", EVENT_STREAM, True),
        (f"{EVENT_STREAM};q=0.5, {JSON}", EVENT_STREAM, False),
        (MULTIPART, None, False),
        (f"{MULTIPART};deferSpec=20220824", None, False),
        (f"{MULTIPART};subscriptionSpec=2.0", None, False),
        (SPECIFIED, MULTIPART, False),
        (f'{MULTIPART};boundary="graphql";subscriptionSpec="1.0",{JSON}', MULTIPART, False),
        (f"{MULTIPART};boundary=graphql;subscriptionSpec=1.0,{GRAPHQL},{JSON};q=0.9", MULTIPART, False),
        (f"{EVENT_STREAM}, {MULTIPART}", EVENT_STREAM, True),
        (f"{SPECIFIED}, {EVENT_STREAM}", EVENT_STREAM, True),
        (f"{SPECIFIED}, {EVENT_STREAM};q=0.5, {JSON}", MULTIPART, False),
        (f"{GRAPHQL}, {JSON}, {EVENT_STREAM}, {MULTIPART}", EVENT_STREAM, False),
    ],
)
def test_which_stream(accept: str | None, stream: str | None, streams_all: bool) -> None:  # noqa: FBT001
    found = accepted(accept)
    assert (found.stream, found.streams_all) == (stream, streams_all)
    assert found.answer == answer_type(accept)
