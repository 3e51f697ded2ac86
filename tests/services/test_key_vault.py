from __future__ import annotations

import stat
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from models.ids import new_id
from services.formats.secure_boot import PrivateKey
from services.key_vault import FILE_NAME, KeyUnreadable, KeyVault, load_secret

SECRET, OTHER = "s" * 40, "t" * 40


def der(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module", params=["RSA", "ECDSA"])
def private(request: pytest.FixtureRequest) -> PrivateKey:
    rsa_key = request.param == "RSA"
    return rsa.generate_private_key(65537, 3072) if rsa_key else ec.generate_private_key(ec.SECP256R1())


def test_what_is_sealed_opens_for_its_key_alone(private: PrivateKey) -> None:
    vault, key_id = KeyVault.of(SECRET), new_id()
    sealed = vault.seal(key_id, private)
    assert der(vault.open(key_id, sealed)) == der(private)
    assert der(private)[40:80] not in sealed
    with pytest.raises(KeyUnreadable):
        vault.open(new_id(), sealed)


def test_nothing_is_sealed_alike_twice(private: PrivateKey) -> None:
    vault, key_id = KeyVault.of(SECRET), new_id()
    assert vault.seal(key_id, private) != vault.seal(key_id, private)


def test_what_was_changed_does_not_open(private: PrivateKey) -> None:
    vault, key_id = KeyVault.of(SECRET), new_id()
    sealed = vault.seal(key_id, private)
    for at in (0, 8, 20, len(sealed) // 2, len(sealed) - 1):
        with pytest.raises(KeyUnreadable):
            vault.open(key_id, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
    for cut in (b"", sealed[:8], sealed[:19], sealed[:-1]):
        with pytest.raises(KeyUnreadable):
            vault.open(key_id, cut)


def test_a_secret_is_changed_with_the_one_before_beside_it(private: PrivateKey) -> None:
    key_id = new_id()
    sealed = KeyVault.of(SECRET).seal(key_id, private)
    both = KeyVault.of(OTHER, SECRET)
    assert not both.is_current(sealed)
    anew = both.seal(key_id, both.open(key_id, sealed))
    assert both.is_current(anew)
    assert der(KeyVault.of(OTHER).open(key_id, anew)) == der(private)
    for vault, value in ((KeyVault.of(OTHER), sealed), (KeyVault.of(SECRET), anew)):
        with pytest.raises(KeyUnreadable):
            vault.open(key_id, value)


def test_a_vault_says_nothing_of_itself() -> None:
    assert SECRET not in repr(KeyVault.of(SECRET)) + str(vars(KeyVault.of(SECRET)))


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "new"
    with get_context("spawn").Pool(4) as pool:
        (secret,) = set(pool.map(load_secret, [data] * 8))
    assert len(secret) >= 32
    assert [each.name for each in data.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((data / FILE_NAME).stat().st_mode) == 0o600
    assert load_secret(data) == secret
