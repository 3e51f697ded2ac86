"""Answers held against each other: everybody must say the same before anybody is measured."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from bench.load import END_OF_HEAD, HOST, end_of_answer

SECONDS_TO_ANSWER = 60.0


class Differing(Exception):
    """Two answers differ, or one is no answer; the message names the place and both values."""


def fetch(port: int, request: bytes) -> bytes:
    """Send one request over a connection of its own; the body of the answer.

    Raises WrongAnswer for another status than 200, ConnectionError when the server closes before it is complete.
    """
    with socket.create_connection((HOST, port), SECONDS_TO_ANSWER) as connection:
        connection.sendall(request)
        answer = b""
        while not (end := end_of_answer(answer)) or len(answer) < end:
            received = connection.recv(1 << 20)
            if not received:
                raise ConnectionError(f"closed after {len(answer)} bytes")
            answer += received
    return answer[answer.index(END_OF_HEAD) + len(END_OF_HEAD) :]


def data_of(body: bytes) -> dict[str, Any]:
    """The data of an answer; raises Differing for one with errors, or whose roots are null."""
    answer = orjson.loads(body)
    data: dict[str, Any] | None = answer.get("data")
    if answer.keys() != {"data"} or not data or None in data.values():
        raise Differing(f"not an answer: {body[:400].decode(errors='replace')}")
    return data


def differences(expected: Any, actual: Any, path: str = "data") -> Iterator[str]:
    """Where two values of JSON differ, each place with both values; 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key in expected and key in actual:
                yield from differences(expected[key], actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: {'missing' if key in expected else 'not asked for'}"
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(actual)} items, not {len(expected)}"
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        yield f"{path}: {actual!r}, not {expected!r}"


def check_equal(answers: Mapping[str, Any]) -> None:
    """Raise Differing unless all answers (by the name of who gave them) are the same."""
    (reference, expected), *others = answers.items()
    for name, actual in others:
        for difference in differences(expected, actual):
            raise Differing(f"{name} differs from {reference} at {difference}")
