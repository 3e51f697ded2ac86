"""What jobs ask of signing, and what becomes of it when several processes work, and when one of them dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from models.columns import now
from models.enums import ArtifactFormat, ArtifactStatus, KeySpec, SigningStatus
from models.tables import ARTIFACT, SIGNATURE, SIGNING_KEY, SIGNING_REQUEST
from services import signing_requests, signing_work
from services.access import ANONYMOUS
from services.errors import InvalidInput, NotFound, WrongState
from services.key_vault import KeyVault
from services.signing_work import SealingDuty, SigningDuty
from services.unit_of_work import unit_of_work
from services.uploads import Files
from tests.cast import Cast
from tests.rows import key
from tests.services.formats.esp_files import bootloader, image
from tests.signing import (
    ask_to_sign,
    attach,
    make_key,
    parts_of,
    request_of,
    run_signing,
    signing_duty,
    upload_file,
    upload_image,
)


async def provide(cast: Cast, artifact: str, *keys: dict[str, Any]) -> UUID | None:
    async with unit_of_work(cast.store, ANONYMOUS, lambda: None) as work:
        return await signing_requests.provide(work, key(artifact), [key(each["id"]) for each in keys])


async def test_a_signed_form_is_provided_once_it_is_there(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    one, other = await make_key(cast, "a"), await make_key(cast, "b")
    for _ in range(3):
        assert await provide(cast, artifact, one) is None
    assert await cast.count(SIGNING_REQUEST) == 1
    assert await run_signing(cast) == 1
    signed = await provide(cast, artifact, one)
    assert signed is not None
    assert await cast.value(ARTIFACT.c.signed_from_id, ARTIFACT.c.id == signed) == key(artifact)
    assert await provide(cast, artifact, one) == signed
    # Exactly these keys: neither fewer nor more.
    assert await provide(cast, artifact, one, other) is None
    assert await provide(cast, artifact, other) is None
    assert await cast.count(SIGNING_REQUEST) == 3
    await run_signing(cast)
    both = await provide(cast, artifact, other, one)
    assert both not in (None, signed, await provide(cast, artifact, other))


async def test_what_a_person_has_had_signed_is_provided(cast: Cast) -> None:
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    request = await ask_to_sign(cast, artifact, [made])
    assert await provide(cast, artifact, made) is None
    await run_signing(cast)
    assert await provide(cast, artifact, made) == key((await request_of(cast, request))["signedArtifact"]["id"])
    assert await cast.count(SIGNING_REQUEST) == 1


async def test_many_who_ask_at_once_queue_one_request(cast: Cast) -> None:
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    assert set(await asyncio.gather(*(provide(cast, artifact, made) for _ in range(8)))) == {None}
    assert await cast.count(SIGNING_REQUEST) == 1


async def test_what_can_never_be_signed_is_said(cast: Cast) -> None:
    raw = await upload_file(cast, b"raw", format="RAW", releaseName="raw", fileName="raw.bin")
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    four = [await make_key(cast, str(number)) for number in range(4)]
    with pytest.raises(WrongState):
        await provide(cast, raw, made)
    with pytest.raises(NotFound):
        await provide(cast, "artifact_" + "0" * 32, made)
    with pytest.raises(NotFound):
        await provide(cast, artifact, {"id": "signingkey_" + "0" * 32})
    with pytest.raises(InvalidInput):
        await provide(cast, artifact, *four)
    assert await cast.count(SIGNING_REQUEST) == 0


async def test_what_has_failed_is_not_tried_for_ever(cast: Cast) -> None:
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    async with cast.store.write() as session:
        await session.execute(update(SIGNING_KEY).values(private_key=b"broken"))
    assert await provide(cast, artifact, made) is None
    await run_signing(cast)
    with pytest.raises(WrongState, match="cannot be opened"):
        await provide(cast, artifact, made)
    assert await cast.count(SIGNING_REQUEST) == 1
    assert await cast.count(ARTIFACT) == 1


@pytest.mark.parametrize("kind", ArtifactFormat)
def test_which_keys_sign_what(kind: ArtifactFormat) -> None:
    rsa, ec = KeySpec.RSA_3072, KeySpec.ECDSA_P256
    most = {ArtifactFormat.RAW: 0, ArtifactFormat.MENDER: 1}.get(kind, 3)
    for number in range(1, 5):
        if number <= most:
            signing_requests.check_keys(kind, [rsa] * number)
            signing_requests.check_keys(kind, [ec] * number)
        else:
            with pytest.raises(WrongState if kind is ArtifactFormat.RAW else InvalidInput):
                signing_requests.check_keys(kind, [rsa] * number)
    with pytest.raises((InvalidInput, WrongState)):
        signing_requests.check_keys(kind, [rsa, ec])


async def test_several_processes_sign_each_once(cast: Cast) -> None:
    artifact = await upload_image(cast, image())
    requests = [await ask_to_sign(cast, artifact, [await make_key(cast, str(number))]) for number in range(5)]
    done = await asyncio.gather(*(run_signing(cast) for _ in range(4)))
    assert sum(done) == 5
    assert [(await request_of(cast, each))["status"] for each in requests] == ["SUCCESS"] * 5
    assert await cast.count(SIGNATURE) == 5
    assert await cast.count(ARTIFACT) == 6


class Died(BaseException):
    """What a process that is killed does not come to catch."""


def dying(method: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    """The method, and death before or after it."""

    async def die(*args: Any, **named: Any) -> Any:
        if before:
            raise Died
        await method(*args, **named)
        raise Died

    return die


STEPS = [
    (signing_work.SigningDuty, "_prepare", True),
    (signing_work.SigningDuty, "_prepare", False),
    (Files, "place_made", True),
    (Files, "place_made", False),
    (signing_work.SigningDuty, "_conclude", True),
    (signing_work.SigningDuty, "_conclude", False),
]


@pytest.mark.parametrize(("owner", "name", "before"), STEPS, ids=[f"{name} {before}" for _, name, before in STEPS])
async def test_a_process_that_dies_is_replaced(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    before: bool,  # noqa: FBT001
) -> None:
    artifact = await upload_image(cast, image())
    request = await ask_to_sign(cast, artifact, [await make_key(cast)])
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dying(getattr(owner, name), before=before))
        with pytest.raises(Died):
            await signing_duty(cast).run()
    # As long as the claim holds, nobody else takes it; then anybody does.
    assert await run_signing(cast) == 0
    async with cast.store.write() as session:
        past = now() - timedelta(seconds=1)
        held = SIGNING_REQUEST.c.claimed_until.is_not(None)
        await session.execute(update(SIGNING_REQUEST).where(held).values(claimed_until=past))
    await run_signing(cast)
    done = await request_of(cast, request)
    assert (done["status"], done["signedArtifact"]["status"]) == ("SUCCESS", "READY")
    assert len(done["signatures"]["nodes"]) == 1
    assert await cast.count(SIGNATURE) == 1
    assert await cast.count(ARTIFACT, ARTIFACT.c.status != ArtifactStatus.READY) == 0
    assert await cast.count(ARTIFACT) == 2


async def test_a_process_that_was_overtaken_breaks_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    request = await ask_to_sign(cast, artifact, [await make_key(cast)], signBootloader=True)
    place = Files.place_made

    async def overtaken(files: Files, file_id: UUID, path: Any) -> None:
        await place(files, file_id, path)
        # Another process has done the same a moment before.
        await place(files, file_id, path)

    monkeypatch.setattr(Files, "place_made", overtaken)
    assert await run_signing(cast) == 1
    done = await request_of(cast, request)
    assert (done["status"], done["signedArtifact"]["status"]) == ("SUCCESS", "READY")
    assert await cast.count(SIGNATURE) == 2


async def test_a_claim_is_kept_up_while_the_work_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = await upload_image(cast, image())
    await ask_to_sign(cast, artifact, [await make_key(cast)])
    renewed = asyncio.Event()
    place = Files.place_made

    async def slow(files: Files, artifact_id: UUID, path: Any) -> None:
        first = await cast.value(SIGNING_REQUEST.c.claimed_until)
        async with asyncio.timeout(10):
            while await cast.value(SIGNING_REQUEST.c.claimed_until) == first:  # noqa: ASYNC110 - a row tells nobody
                await asyncio.sleep(0.02)
        renewed.set()
        await place(files, artifact_id, path)

    monkeypatch.setattr(Files, "place_made", slow)
    assert await signing_duty(cast, seconds=0.3).run() == 1
    assert renewed.is_set()
    assert await cast.value(SIGNING_REQUEST.c.status) is SigningStatus.SUCCESS


async def test_keys_are_sealed_anew_after_a_change_of_the_secret(cast: Cast) -> None:
    artifact, made = await upload_image(cast, image()), await make_key(cast)
    before = parts_of(cast).vault
    sealed = await cast.value(SIGNING_KEY.c.private_key)
    private = before.open(key(made["id"]), sealed)
    old, both = KeyVault.of("o" * 32), KeyVault.of("n" * 32, "o" * 32)
    async with cast.store.write() as session:
        values = {"private_key": old.seal(key(made["id"]), private)}
        await session.execute(update(SIGNING_KEY).values(values))
    duty = SealingDuty(cast.store, both)
    assert [await duty.run(), await duty.run()] == [1, 0]
    ((anew,),) = await cast.rows(select(SIGNING_KEY.c.private_key))
    assert both.is_current(anew)
    parts = parts_of(cast)
    vault = KeyVault.of("n" * 32)
    await ask_to_sign(cast, artifact, [made])
    args = (parts.store, parts.files, parts.storage, parts.spool)
    assert await SigningDuty(*args, vault, parts.tail.wake).run() == 1
    assert await cast.count(SIGNATURE) == 1


async def test_a_key_that_does_not_open_stays_as_it_is(cast: Cast) -> None:
    await make_key(cast)
    before = await cast.value(SIGNING_KEY.c.private_key)
    assert await SealingDuty(cast.store, KeyVault.of("x" * 32)).run() == 0
    assert await cast.value(SIGNING_KEY.c.private_key) == before
