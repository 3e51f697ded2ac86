"""Conditional requests and pieces of files (RFC 9110, sections 13 and 14), for files that never change.

`modified` is a moment in whole seconds, because that is all that the headers can say.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import ETag, hdrs, web

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` bytes from `start`; a length of 0 stands for a piece that the file does not have."""

    start: int
    length: int


def has_failed_condition(request: web.Request, etag: str, modified: datetime) -> bool:
    """Whether If-Match or, without it, If-Unmodified-Since asks for another file than this one."""
    wanted = request.if_match
    if wanted is not None:
        return not any(_is_any(one) or (not one.is_weak and one.value == etag) for one in wanted)
    since = request.if_unmodified_since
    return since is not None and modified > since


def is_unchanged(request: web.Request, etag: str, modified: datetime) -> bool:
    """Whether If-None-Match or, without it, If-Modified-Since says that the caller has this file."""
    known = request.if_none_match
    if known is not None:
        return any(_is_any(one) or one.value == etag for one in known)
    since = request.if_modified_since
    return since is not None and modified <= since


def asked_piece(request: web.Request, size: int, etag: str, modified: datetime) -> Piece | None:
    """The piece that is asked for; None for the whole file.

    Several pieces at once, other units and what is not a range at all are ignored, as the RFC allows. So is a range
    whose If-Range names another file.
    """
    match = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, "").strip())
    if match is None or not _is_current(request, etag, modified):
        return None
    first, last = match[1], match[2]
    if not first:
        return None if not last else _tail(int(last), size)
    start = int(first)
    end = size - 1 if not last else min(int(last), size - 1)
    if last and int(last) < start:
        return None
    return Piece(start, end - start + 1) if start < size else Piece(0, 0)


def _tail(length: int, size: int) -> Piece:
    length = min(length, size)
    return Piece(size - length, length)


def _is_current(request: web.Request, etag: str, modified: datetime) -> bool:
    """Whether If-Range is absent or names this file, by its strong tag or its exact date."""
    given = request.headers.get(hdrs.IF_RANGE)
    if given is None:
        return True
    if given.strip() == f'"{etag}"':
        return True
    return request.if_range is not None and request.if_range == modified


def _is_any(tag: ETag) -> bool:
    return tag.value == "*" and not tag.is_weak
