"""What the world has of releases: artifacts in every state, what goes with them, and what was signed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from models.enums import (
    ArtifactFormat,
    ArtifactStatus,
    AttachmentKind,
    KeySpec,
    SignedFile,
    SigningStatus,
)
from models.tables import (
    ARTIFACT,
    ATTACHMENT,
    RELEASE,
    SIGNATURE,
    SIGNING_KEY,
    SIGNING_REQUEST,
    SIGNING_REQUEST_KEY,
)
from services.access import UserPrincipal
from tests.differential.identities import PUBLIC_KEY, Identities

UPDATES: Final[tuple[list[Any], ...]] = (
    [],
    [{"type": "rootfs-image", "files": [{"name": "image.ext4", "checksum": "ab", "size": 2**40}], "metadata": {}}],
    [{"type": "ü", "files": [], "metadata": {"a": [1, 2.5, None]}}, {"type": None}],
)


class Files(Identities):
    """Releases with artifacts, files that go with these, keys, requests to sign, and the log of signatures."""

    def __init__(self) -> None:
        super().__init__()
        self.releases: dict[UUID, list[tuple[UUID, list[UUID]]]] = {}
        owner = self.callers["owner"]
        assert isinstance(owner, UserPrincipal)
        for tenant in (self.alder, self.birch):
            for organization in tenant.organizations:
                made = [self._release(organization, f"{number}.0", number) for number in range(4)]
                self.releases[organization] = made
                self._artifact(organization, None, "", 1, private_to_id=None)
                self._artifact(organization, made[3][0], "3.0", 4, private_to_id=owner.user_id)
                self._sign(organization, [each for _, artifacts in made for each in artifacts])

    def _release(self, organization: UUID, name: str, artifacts: int) -> tuple[UUID, list[UUID]]:
        notes = self.drawn.choice(("", "new things\n- ü"))
        release = self.make(RELEASE, organization_id=organization, name=name, notes=notes)
        return release, [
            self._artifact(organization, release, name, number, private_to_id=None) for number in range(artifacts + 1)
        ]

    def _artifact(
        self, organization: UUID, release: UUID | None, name: str, number: int, *, private_to_id: UUID | None
    ) -> UUID:
        ready = number % 2 == 0
        made = self.make(
            ARTIFACT,
            organization_id=organization,
            release_id=release,
            private_to_id=private_to_id,
            created_by_id=self.maybe(self.drawn.choice(self.people)),
            signed_from_id=None,
            name=name,
            model=self.drawn.choice(("", "P-100", "ü")),
            artifact_version=self.drawn.choice(("", "1.2.3")),
            format=tuple(ArtifactFormat)[number % len(ArtifactFormat)],
            compatible_types=self.drawn.choice(([], ["pump"], ["a", "ü", ""])),
            provides=self.document(),
            depends=self.document(),
            file_name=f"file {number}.bin",
            size=self.maybe(self.drawn.choice((0, 1, 2**31, 2**53)), 0.8),
            sha256=f"{number:064x}" if ready else None,
            md5=self.maybe(f"{number:032x}"),
            signed=self.drawn.random() < 0.3,
            info=self.document(),
            updates=self.drawn.choice(UPDATES),
            status=ArtifactStatus.READY if ready else tuple(ArtifactStatus)[number % len(ArtifactStatus)],
            generation={},
            problem="" if ready else self.drawn.choice(("", "the file ends too early")),
            uploaded_at=self.moment() if ready else None,
            archived_at=self.maybe(self.moment(), 0.3) if number else None,
        )
        for _ in range(self.drawn.choice((0, 0, 1, 2))):
            self.add(
                ATTACHMENT,
                organization_id=organization,
                artifact_id=made,
                created_by_id=self.maybe(self.drawn.choice(self.people)),
                kind=self.drawn.choice(tuple(AttachmentKind)),
                file_name=self.drawn.choice(("report.pdf", "ü.bin")),
                size=self.maybe(self.drawn.choice((1, 2**40))),
                sha256=self.maybe(f"{number:064x}"),
                md5=self.maybe(f"{number:032x}"),
                uploaded_at=self.maybe(self.moment()),
            )
        return made

    def _sign(self, organization: UUID, artifacts: list[UUID]) -> None:
        """Keys, requests of every status, and a line of the log for each key of those that succeeded."""
        keys = [
            self.make(
                SIGNING_KEY,
                organization_id=organization,
                name=f"key {spec.value.lower()}",
                spec=spec,
                tags=self.document(),
                public_key=PUBLIC_KEY,
                digest=f"{self.drawn.getrandbits(256):064x}",
                private_key=b"sealed",
            )
            for spec in KeySpec
        ]
        for status in SigningStatus:
            artifact = self.maybe(self.drawn.choice(artifacts), 0.8)
            signed = self.drawn.choice(artifacts) if status is SigningStatus.SUCCESS else None
            request = self.make(
                SIGNING_REQUEST,
                organization_id=organization,
                artifact_id=artifact,
                signed_artifact_id=signed,
                created_by_id=self.maybe(self.drawn.choice(self.people)),
                job_id=None,
                sign_bootloader=self.drawn.random() < 0.5,
                status=status,
                finished_at=self.moment() if status in {SigningStatus.SUCCESS, SigningStatus.FAILED} else None,
            )
            for key in self.drawn.sample(keys, self.drawn.randrange(1, len(keys) + 1)):
                self.add(SIGNING_REQUEST_KEY, request_id=request, key_id=key)
                if signed is not None:
                    self._signature(organization, request, key, artifact, signed)

    def _signature(self, organization: UUID, request: UUID, key: UUID, artifact: UUID | None, signed: UUID) -> None:
        """One line of the log; what it names may be gone."""
        self.add(
            SIGNATURE,
            organization_id=organization,
            request_id=self.maybe(request, 0.8),
            key_id=self.maybe(key, 0.8),
            artifact_id=artifact,
            signed_artifact_id=self.maybe(signed, 0.8),
            attachment_id=self.maybe(self.drawn.choice(self.rows[ATTACHMENT])["id"], 0.3),
            created_by_id=self.maybe(self.drawn.choice(self.people)),
            file=self.drawn.choice(tuple(SignedFile)),
            key_name="key ü",
            key_digest=f"{self.drawn.getrandbits(256):064x}",
            artifact_name="1.0",
            file_name="file.bin",
            sha256=f"{self.drawn.getrandbits(256):064x}",
        )
