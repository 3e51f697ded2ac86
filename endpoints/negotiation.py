"""Content negotiation of GraphQL over HTTP: the media type of an answer, and that of a stream of answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from endpoints.answers import JSON

GRAPHQL: Final = "application/graphql-response+json"
EVENT_STREAM: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed"
SUBSCRIPTION_SPEC: Final = "1.0"
"""What `subscriptionSpec` says of a multipart stream; `multipart/mixed` alone is about incremental delivery."""
_RANGES: Final = 50
_REMEMBERED: Final = 128
"""Accept headers whose outcome is kept: there are a few of them, sent again and again."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One part of an Accept header."""

    media_type: str
    quality: float
    subscription_spec: str | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a caller takes: the type of a single answer and that of a stream of answers; None for neither."""

    answer: str | None
    stream: str | None
    streams_all: bool
    """Whether single answers go into an event stream, too: it is all that the caller takes, or what it likes better."""


def media_ranges(accept: str) -> Iterator[MediaRange]:
    """Yield the parts of an Accept header; parts that cannot be read are passed over, as are those beyond fifty."""
    for part in accept.split(",", _RANGES)[:_RANGES]:
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        subscription_spec = None
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = _quality(value.strip())
            elif name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
                quality = 0.0  # answers are in UTF-8 only
            elif name.strip() == "subscriptionspec":
                subscription_spec = value.strip(' "')
        if "/" in media_type:
            yield MediaRange(media_type, quality, subscription_spec)


@lru_cache(maxsize=_REMEMBERED)
def accepted(accept: str | None) -> Acceptance:
    """Return what an Accept header takes. Streams have to be named: `*/*` asks for none.

    A caller who names both kinds of stream with the same quality gets server-sent events.
    """
    answer = answer_type(accept)
    ranges = list(media_ranges(accept or ""))
    events = _named(ranges, EVENT_STREAM)
    multipart = _named([part for part in ranges if part.subscription_spec == SUBSCRIPTION_SPEC], MULTIPART)
    if events <= 0 and multipart <= 0:
        return Acceptance(answer, None, streams_all=False)
    stream = EVENT_STREAM if events >= multipart else MULTIPART
    streams_all = events > 0 and (answer is None or events > _preference(answer, ranges)[0])
    return Acceptance(answer, stream, streams_all=streams_all)


@lru_cache(maxsize=_REMEMBERED)
def answer_type(accept: str | None) -> str | None:
    """Return the media type to answer in; None when the caller takes neither.

    `application/graphql-response+json` is given to those who name it. Who takes anything gets `application/json`, as
    the specification asks for, because such callers were written before the newer type.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = list(media_ranges(accept))
    graphql, graphql_named = _preference(GRAPHQL, ranges)
    json, json_named = _preference(JSON, ranges)
    if graphql <= 0 and json <= 0:
        return None
    if (graphql, graphql_named) >= (json, json_named) and graphql_named:
        return GRAPHQL
    return JSON if json > 0 else GRAPHQL


def prefers_html(accept: str | None) -> bool:
    """Whether a browser asks for a page: it names text/html, and no GraphQL type ahead of it."""
    ranges = list(media_ranges(accept or ""))
    html, named = _preference("text/html", ranges)
    rivals = [_preference(media_type, ranges) for media_type in (GRAPHQL, JSON)]
    return named and html > 0 and all(not rival_named or quality < html for quality, rival_named in rivals)


def _named(ranges: list[MediaRange], media_type: str) -> float:
    """Return the quality of the ranges that name a type; 0 when none does."""
    return max((part.quality for part in ranges if part.media_type == media_type), default=0.0)


def _preference(media_type: str, ranges: list[MediaRange]) -> tuple[float, bool]:
    """Return the quality of the most specific range that matches, and whether it names the type itself."""
    family = media_type.partition("/")[0] + "/*"
    for pattern in (media_type, family, "*/*"):
        matching = [part.quality for part in ranges if part.media_type == pattern]
        if matching:
            return max(matching), pattern == media_type
    return 0.0, False


def _quality(value: str) -> float:
    """Read a q-value; one that cannot be read counts as 0."""
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
