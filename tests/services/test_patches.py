"""Patches: an absent field stays, null clears, a rule's error names the field as the caller knows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models import OrganizationRow
from services.errors import InvalidInput
from services.patches import DESCRIPTION, METADATA, NAME, Fields, Patched, apply_changes, camel_case, checked
from services.validation import check_email

FIELDS: Fields = {
    "name": NAME,
    "description": DESCRIPTION,
    "metadata": METADATA,
    "contact_email": Patched("email", check_email, empty=None),
}
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def organization() -> OrganizationRow:
    return OrganizationRow(name="Acme", description="Pumps", email="a@example.com", meta={"a": 1})


def test_absent_fields_stay() -> None:
    row = organization()
    assert apply_changes(row, {"name": "Acme Inc."}, FIELDS, LATER)
    assert (row.name, row.description, row.email, row.meta) == ("Acme Inc.", "Pumps", "a@example.com", {"a": 1})
    assert (row.version, row.updated_at) == (2, LATER)


def test_null_clears() -> None:
    row, other = organization(), organization()
    cleared = {"description": None, "contact_email": None, "metadata": None}
    for each in (row, other):
        apply_changes(each, cleared, FIELDS, LATER)
    assert (row.description, row.email, row.meta) == ("", None, {})
    assert row.meta is not other.meta


def test_nothing_changed_keeps_the_version() -> None:
    row = organization()
    before = row.updated_at
    assert not apply_changes(row, {}, FIELDS, LATER)
    assert (row.version, row.updated_at) == (1, before)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": None}, ("name",)),
        ({"name": ""}, ("name",)),
        ({"contact_email": "nobody"}, ("contactEmail",)),
        ({"metadata": [1]}, ("metadata",)),
    ],
)
def test_broken_rules_are_named(changes: dict[str, object], path: tuple[str, ...]) -> None:
    row = organization()
    with pytest.raises(InvalidInput) as caught:
        apply_changes(row, {"description": "New", **changes}, FIELDS, LATER)
    assert caught.value.path == path
    assert (row.description, row.version) == ("Pumps", 1)


def test_columns_are_those_of_the_fields() -> None:
    assert checked({"metadata": {"a": 1}, "contact_email": "B@Example.com"}, FIELDS) == {
        "meta": {"a": 1},
        "email": "b@example.com",
    }


def test_names_in_the_case_of_graphql() -> None:
    assert [camel_case(name) for name in ("name", "thing_limit", "expected_version")] == [
        "name",
        "thingLimit",
        "expectedVersion",
    ]
