"""Prepared documents: kept once, bounded, and measured before they are validated."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLSchema, get_introspection_query

from engine.documents import Documents
from engine.errors import RequestError
from engine.limits import Limits
from tests.endpoints.laboratory import SCHEMA

CORE: GraphQLSchema = SCHEMA._schema


def documents(**limits: Any) -> Documents:
    return Documents(CORE, Limits(**limits))


def refusal(prepared: Documents, text: str, name: str | None = None) -> tuple[str, str]:
    """The code and the message of the first error of a document that must be refused."""
    with pytest.raises(RequestError) as refused:
        prepared.prepare(text, name)
    return refused.value.code, refused.value.errors[0]["message"]


def test_a_document_is_prepared_once() -> None:
    kept = documents()
    first = kept.prepare("{ hello }")
    assert kept.prepare("{ hello }") is first
    assert (kept.hits, kept.misses, len(kept)) == (1, 1, 1)


def test_refused_documents_are_not_kept() -> None:
    kept = documents()
    for _ in range(2):
        refusal(kept, "{ nothing }")
    assert (kept.hits, kept.misses, len(kept)) == (0, 2, 0)


def test_the_least_recently_used_document_goes_first() -> None:
    kept = documents(cached_documents=2)
    first = kept.prepare("{ a: hello }")
    kept.prepare("{ b: hello }")
    kept.prepare("{ a: hello }")
    kept.prepare("{ c: hello }")
    assert len(kept) == 2
    assert kept.prepare("{ a: hello }") is first
    misses = kept.misses
    kept.prepare("{ b: hello }")
    assert kept.misses == misses + 1


def test_the_cache_is_bounded_in_bytes() -> None:
    kept = documents(cached_bytes=100)
    for number in range(20):
        kept.prepare(f"{{ hello }} # {'x' * 20}{number}")
    assert 1 <= len(kept) <= 3
    kept.prepare("{ hello } # " + "x" * 200)
    assert len(kept) == 0


def test_the_cache_is_bounded_in_tokens() -> None:
    kept = documents(cached_tokens=10)
    for number in range(20):
        kept.prepare(f"{{ a{number}: hello }}")
    assert len(kept) == 2


def test_an_operation_is_found_by_its_name() -> None:
    kept = documents()
    text = 'query A { hello } mutation B { note(what: "x") } subscription C { failing { number } }'
    a, b, c = (kept.prepare(text, name) for name in "ABC")
    assert (a.is_query, b.is_mutation, c.is_subscription) == (True, True, True)
    assert (a.is_mutation, b.is_query, c.is_query) == (False, False, False)
    assert a.document is b.document
    assert refusal(kept, text)[1] == "The document has several operations: say which by operationName."
    assert refusal(kept, text, "D") == ("GRAPHQL_VALIDATION_FAILED", "The document has no operation named 'D'.")
    assert kept.prepare("{ hello }").name is None
    assert refusal(kept, "{ hello }", "A")[0] == "GRAPHQL_VALIDATION_FAILED"
    assert len(refusal(kept, "{ hello }", "x" * 100_000)[1]) <= 1000


@pytest.mark.parametrize(
    ("limits", "fits", "does_not"),
    [
        ({"depth": 2}, "{ deeper { hello } }", "{ deeper { deeper { hello } } }"),
        (
            {"depth": 2},
            "{ ...F } fragment F on Query { deeper { hello } }",
            "{ deeper { ...F } } fragment F on Query { deeper { hello } }",
        ),
        ({"depth": 2}, "{ ... { ... { deeper { hello } } } }", "{ ... { deeper { ... { deeper { hello } } } } }"),
        (
            {"fields": 3},
            "{ a: hello b: hello c: hello }",
            "{ a: hello ...F } fragment F on Query { b: hello c: hello d: hello }",
        ),
        (
            {"fields": 5},
            "{ a: deeper { ...F } b: deeper { ...F } } fragment F on Query { hello }",
            "{ a: deeper { ...F } b: deeper { ...F } } fragment F on Query { hello whoami }",
        ),
        (
            {"root_fields": 2},
            "{ a: hello deeper { b: hello c: hello } }",
            "{ a: hello ...F } fragment F on Query { b: hello c: hello }",
        ),
        ({"root_fields": 2}, "{ hello ... { whoami } }", "{ hello ... { whoami told } }"),
        ({"aliases": 1}, "{ a: hello whoami }", "{ a: hello b: whoami }"),
        (
            {"aliases": 1},
            "{ ...F } fragment F on Query { a: hello }",
            "{ ...F deeper { ...F } } fragment F on Query { a: hello }",
        ),
        ({"repeats": 2}, "{ hello hello }", "{ hello ... { hello ... { hello } } }"),
        ({"repeats": 2}, "{ a: hello hello hello }", "{ ...F ...F ...F } fragment F on Query { hello }"),
        ({"directives": 1}, "{ hello @skip(if: false) }", "{ hello @skip(if: false) @include(if: true) }"),
        ({"directives_in_place": 2}, "{ hello @a @b whoami @c }", "{ hello @a @b @c }"),
        ({"directives_in_place": 2}, "query @a @b { hello }", "query @a @b @c { hello }"),
        ({"directives_in_place": 2}, "query($v: Int @a @b) { hello }", "query($v: Int @a @b @c) { hello }"),
        ({"directives_in_place": 2}, "{ ... @a @b { hello } }", "{ ... @a @a @a { hello } }"),
        (
            {"directives": 1},
            "{ ... @skip(if: false) { hello } }",
            "{ ...F @skip(if: false) } fragment F on Query { hello @skip(if: true) }",
        ),
        (
            {"fragments": 1},
            "{ ...F } fragment F on Query { hello }",
            "{ ...F ...G } fragment F on Query { hello } fragment G on Query { hello }",
        ),
        ({"tokens": 3}, "{ hello }", "{ hello whoami }"),
        ({"tokens": 3}, "{ hello } # 1", "#\n" * 4 + "{ hello }"),
        ({"document_bytes": 9}, "{ hello }", "{ hello } "),
        ({"document_bytes": 13}, "{ hello } # x", "{ hello } # ü"),
        ({"value_depth": 1}, "{ echo(value: [1]) }", "{ echo(value: [[1]]) }"),
        ({"value_depth": 1}, "{ echo(value: {a: 1}) }", "{ echo(value: {a: {a: 1}}) }"),
        (
            {"value_depth": 1},
            "query($v: JSON = [1]) { echo(value: $v) }",
            "query($v: JSON = [[1]]) { echo(value: $v) }",
        ),
    ],
)
def test_limits_count_what_stands_in_fragments_too(limits: dict[str, int], fits: str, does_not: str) -> None:
    kept = documents(**limits)
    try:
        kept.prepare(fits)
    except RequestError as error:
        assert error.code == "GRAPHQL_VALIDATION_FAILED", error.errors  # noqa: PT017 - a limit it is not
    assert refusal(kept, does_not)[0] == "LIMIT_EXCEEDED"


def test_fragments_that_multiply_are_counted_without_being_expanded() -> None:
    doubling = " ".join(
        f"fragment F{n} on Query {{ a: deeper {{ ...F{n + 1} }} b: deeper {{ ...F{n + 1} }} }}" for n in range(60)
    )
    code, message = refusal(documents(depth=100), f"{{ ...F0 }} {doubling} fragment F60 on Query {{ hello }}")
    assert (code, message) == ("LIMIT_EXCEEDED", "An operation may have 3000 fields; this one has far more.")


def test_cycles_and_missing_fragments_are_left_to_validation() -> None:
    for text in (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A hello }",
        "{ ...A } fragment A on Query { deeper { ...A } }",
        "{ ...Nowhere }",
    ):
        assert refusal(documents(), text)[0] == "GRAPHQL_VALIDATION_FAILED"


def test_errors_are_told_up_to_a_number() -> None:
    with pytest.raises(RequestError) as refused:
        documents(errors=3).prepare("{" + " ".join(f"nothing{n}" for n in range(30)) + "}")
    assert len(refused.value.errors) == 4
    assert refused.value.errors[3]["message"].startswith("Too many validation errors")


def test_introspection_by_tools_fits_into_the_limits() -> None:
    query = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert documents().prepare(query).name == "IntrospectionQuery"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("{ __schema { queryType { name } } }", True),
        ('{ deeper { s: __type(name: "Query") { name } } }', True),
        ("{ ...F } fragment F on Query { ... { __schema { queryType { name } } } }", True),
        ("{ __typename deeper { __typename } }", False),
    ],
)
def test_questions_about_the_schema_can_be_refused_one_by_one(text: str, asks: bool) -> None:  # noqa: FBT001
    kept = documents()
    for _ in range(2):  # with and without the cache
        kept.prepare(text)
        if asks:
            with pytest.raises(RequestError) as refused:
                kept.prepare(text, introspection=False)
            assert refused.value.code == "UNAUTHENTICATED"
        else:
            kept.prepare(text, introspection=False)


def test_a_refused_question_does_not_tell_what_the_schema_has() -> None:
    with pytest.raises(RequestError) as refused:
        documents().prepare("{ __schema { nothing } hello(x: 1) }", introspection=False)
    assert [error["message"] for error in refused.value.errors] == ["Sign in to read the schema."]
