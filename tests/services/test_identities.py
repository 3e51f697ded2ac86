"""What things say that they are: which data are taken, and which are the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from services.errors import InvalidInput
from services.identities import Identity


def digest_of(text: str) -> bytes:
    return Identity.read(text, ("id_data",)).digest


def test_the_canonical_form_is_sorted_json_without_white_space() -> None:
    written = '{ "sn" : 7,\n "mac": ["00:1\\u0031", "ä"] }'
    canonical = '{"mac":["00:11","ä"],"sn":7}'
    assert digest_of(written) == hashlib.sha256(canonical.encode()).digest()
    assert digest_of(canonical) == digest_of(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": ["x", "y"]}', '{"a": ["y", "x"]}'),
        ('{"a": "x"}', '{"a": ["x"]}'),
        ('{"a": "x"}', '{"a": "X"}'),
        ('{"a": "x"}', '{"b": "x"}'),
        ('{"a": "x"}', '{"a": "x", "b": "x"}'),
    ],
)
def test_what_is_written_otherwise_is_another_identity(one: str, other: str) -> None:
    assert digest_of(one) != digest_of(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mac=1",
        "[]",
        '"text"',
        "null",
        "{}",
        '{"a": null}',
        '{"a": true}',
        '{"a": {"b": 1}}',
        '{"a": ["x", 1]}',
        '{"": "x"}',
        '{" a": "x"}',
        '{"a": "\\u0000"}',
        '{"a": 1e400}',
        '{"a": 99999999999999999999}',
        json.dumps({"a": "x" * 1025}),
        json.dumps({"x" * 255: "x"}),
        json.dumps({f"a{number}": "x" for number in range(21)}),
        "[" * 10_000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Identity.read(text, ("id_data",))
    assert refused.value.path[0] == "id_data"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"mac": "00:11", "zone": "x"}, "00:11"),
        ({"serial": "S1", "mac": "00:11"}, "S1"),
        ({"b": "second", "a": "first"}, "first"),
        ({"id": 7}, "7"),
        ({"mac": ["00:11", "00:12"]}, "00:11, 00:12"),
        ({"a": " "}, "a"),
        ({"a": "x" * 1024}, "x" * 254),
    ],
)
def test_a_thing_is_named_by_what_it_says(values: dict[str, Any], name: str) -> None:
    assert Identity.of(values, ()).name == name
