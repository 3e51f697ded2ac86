"""Addresses that open one artifact in one direction for a while."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.ids import new_id
from services.errors import Forbidden
from services.signed_addresses import SignedAddresses
from services.tokens import Audience, TokenKeys

KEYS = TokenKeys.of("a secret of the tests, long enough to sign with")


def test_an_address_leads_back_to_its_artifact() -> None:
    key, before = new_id(), datetime.now(UTC)
    addresses = SignedAddresses(KEYS, "https://fleet.example.com/gateway", 60, 3600)
    assert addresses.direct_upload(key) is None
    for audience, made, place, seconds in (
        (Audience.UPLOAD, addresses.upload(key), "uploads", 3600),
        (Audience.DOWNLOAD, addresses.download(key), "downloads", 60),
    ):
        start, _, token = made.url.rpartition("/")
        assert start == f"https://fleet.example.com/gateway/{place}"
        assert addresses.file_of(audience, token) == key
        assert seconds - 2 < (made.expires_at - before).total_seconds() <= seconds + 0.5


def test_it_opens_nothing_else() -> None:
    addresses = SignedAddresses(KEYS, "https://fleet.example.com", 60)
    token = addresses.upload(new_id()).url.rpartition("/")[2]
    others = SignedAddresses(TokenKeys.of("another secret, long enough to sign with too"), addresses.base_url, 60)
    for reader, audience in ((addresses, Audience.DOWNLOAD), (addresses, Audience.ACCESS), (others, Audience.UPLOAD)):
        with pytest.raises(Forbidden):
            reader.file_of(audience, token)
    late = SignedAddresses(KEYS, addresses.base_url, 60, -1).upload(new_id()).url.rpartition("/")[2]
    with pytest.raises(Forbidden):
        addresses.file_of(Audience.UPLOAD, late)


def test_a_secret_that_was_changed_still_opens_what_it_signed() -> None:
    key = new_id()
    token = SignedAddresses(KEYS, "https://fleet.example.com", 60).upload(key).url.rpartition("/")[2]
    changed = TokenKeys.of(
        "the secret after the change, long enough", "a secret of the tests, long enough to sign with"
    )
    assert SignedAddresses(changed, "https://fleet.example.com", 60).file_of(Audience.UPLOAD, token) == key
