"""The things of the demo fleet, as rows: each is drawn from the seed and its own number alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table

from demo.executions import Subject, enrol
from demo.ground import Ground, Site
from demo.kinds import Kind
from demo.places import THINGS_WITHOUT_HOME
from demo.updates import Updates
from models.enums import AttributeScope, Lifecycle
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import (
    GROUP_THING,
    OTA_EXECUTION,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
)
from services.artifact_choice import DEVICE_TYPE
from services.tokens import digest, new_secret

TABLES: Final = (THING, THING_STATE, THING_ATTRIBUTE, THING_TAG, THING_LIFECYCLE, GROUP_THING, OTA_EXECUTION)
"""Where the rows of things go, in an order that satisfies the foreign keys."""

SIMULATED_SECONDS: Final = 60
"""How often a thing says that it reports, if the simulator speaks for it: it stays connected while that runs."""
SILENT_SECONDS: Final = 2_592_000
"""The same for the others: the demo fleet would soon be offline if it were held to less."""

_LIFECYCLES: Final = {
    Lifecycle.INSTALLED: 88,
    Lifecycle.NEW: 5,
    Lifecycle.RETIRED: 3,
    Lifecycle.UNINSTALLED: 2,
    Lifecycle.QUARANTINE: 2,
}
_REASONS: Final[Mapping[Lifecycle, tuple[str, ...]]] = {
    Lifecycle.NEW: ("registered",),
    Lifecycle.INSTALLED: ("put into service", "passed the acceptance test"),
    Lifecycle.RETIRED: ("replaced by a newer model", "beyond repair"),
    Lifecycle.UNINSTALLED: ("site closed", "moved to the store"),
    Lifecycle.QUARANTINE: ("implausible readings", "key may be known to others"),
}
_CHANNELS: Final = ("stable", "stable", "stable", "early", "pinned")


@dataclass(frozen=True, slots=True)
class ThingKey:
    """The secret key of a thing that the simulator speaks for."""

    thing_id: UUID
    external_id: str
    kind: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Life:
    lifecycle: Lifecycle
    created_at: datetime
    installed_at: datetime | None
    ended_at: datetime | None

    @property
    def steps(self) -> list[tuple[Lifecycle, datetime]]:
        """What the thing came to be, and when."""
        steps = [(Lifecycle.NEW, self.created_at)]
        if self.installed_at is not None:
            steps.append((Lifecycle.INSTALLED, self.installed_at))
        if self.ended_at is not None:
            steps.append((self.lifecycle, self.ended_at))
        return steps


class ThingMaker:
    """Makes the rows of things; `rows` collects them until `take` hands them over."""

    def __init__(self, ground: Ground, updates: Updates, *, moment: datetime, seed: int, simulated: int) -> None:
        """The things numbered up to `simulated` are in service, connected, and keep their `keys`."""
        self._sites = ground.sites
        self._shares = [site.place.share for site in ground.sites]
        self._updates = updates
        self._moment = moment
        self._seed = seed
        self._simulated = simulated
        self._rows: defaultdict[Table, list[dict[str, Any]]] = defaultdict(list)
        self.keys: list[ThingKey] = []
        self.executions = 0

    def take(self) -> Mapping[Table, list[dict[str, Any]]]:
        """The rows made since the last call."""
        rows, self._rows = self._rows, defaultdict(list)
        self.executions += len(rows[OTA_EXECUTION])
        return rows

    def make(self, number: int) -> None:
        """Make the thing with this number, from 1."""
        rng = Random(self._seed * 1_000_003 + number)
        site = self._sites[0] if number == 1 else rng.choices(self._sites, self._shares)[0]
        kind = rng.choices(list(site.place.kinds), list(site.place.kinds.values()))[0]
        device_type = rng.choices(kind.device_types, (60, 36, 4))[0]
        thing_id = new_id()
        secret = new_secret()
        external_id = f"demo-{number:04d}"
        is_simulated = number <= self._simulated
        if is_simulated:
            self.keys.append(ThingKey(thing_id, external_id, kind.key, secret))
        life = self._life(rng, is_simulated=is_simulated)
        connected, seen = self._seen(life, rng, is_simulated=is_simulated)
        home = (
            None
            if not site.homes or rng.random() < THINGS_WITHOUT_HOME
            else rng.choices(site.homes, cum_weights=site.weights)[0]
        )
        self._rows[THING].append(
            {
                "id": thing_id,
                "organization_id": site.id,
                "home_group_id": home,
                "profile_id": site.profiles[kind.key],
                "name": f"{kind.label} {number:04d}",
                "type": kind.type,
                "external_id": external_id,
                "key_digest": digest(secret),
                "lifecycle": life.lifecycle,
                "connected": connected,
                "last_seen_at": seen,
                "report_interval_seconds": SIMULATED_SECONDS if is_simulated else SILENT_SECONDS,
                "metadata": _metadata(rng),
                "version": len(life.steps),
                "created_at": life.created_at,
                "updated_at": life.steps[-1][1],
            }
        )
        subject = Subject(thing_id, device_type, life.lifecycle, life.installed_at, is_simulated)
        firmware = self._executions(subject, site, kind, rng)
        self._state(thing_id, kind, life, seen, rng)
        self._attributes(thing_id, kind, device_type, firmware, life, rng)
        self._tags(thing_id, kind, rng)
        self._history(thing_id, life, rng)
        self._groups(thing_id, site, home, life, rng)

    def _life(self, rng: Random, *, is_simulated: bool) -> _Life:
        lifecycle = rng.choices(list(_LIFECYCLES), list(_LIFECYCLES.values()))[0]
        if is_simulated:
            lifecycle = Lifecycle.INSTALLED
        age = timedelta(days=rng.uniform(1, 40) if lifecycle is Lifecycle.NEW else rng.uniform(20, 700))
        created = self._moment - age
        if lifecycle is Lifecycle.NEW:
            return _Life(lifecycle, created, None, None)
        installed = created + timedelta(days=rng.uniform(0.1, 9))
        ended = None
        if lifecycle is not Lifecycle.INSTALLED:
            ended = installed + (self._moment - installed) * rng.uniform(0.3, 0.99)
        return _Life(lifecycle, created, installed, ended)

    def _seen(self, life: _Life, rng: Random, *, is_simulated: bool) -> tuple[bool, datetime | None]:
        """Whether it is connected, and when it was last heard of."""
        if life.installed_at is None:
            return False, None
        if life.ended_at is not None and life.lifecycle is not Lifecycle.QUARANTINE:
            return False, life.ended_at
        if is_simulated or rng.random() < 0.86:  # noqa: PLR2004
            return True, self._moment - timedelta(seconds=rng.uniform(1, 240))
        silent = (self._moment - life.installed_at) * rng.random() ** 4
        return False, self._moment - silent

    def _executions(self, subject: Subject, site: Site, kind: Kind, rng: Random) -> str:
        """Enrol the thing in the campaigns of its kind; the firmware that it runs after them."""
        firmware = 0
        for campaign in self._updates.of(site, kind):
            row = enrol(subject, campaign, self._moment, rng)
            if row is None:
                continue
            self._rows[OTA_EXECUTION].append(row)
            if row["status"] in (Status.SUCCESS, Status.ALREADY_INSTALLED):
                firmware = max(firmware, kind.versions.index(campaign.plan.version))
        return kind.versions[firmware]

    def _state(self, thing_id: UUID, kind: Kind, life: _Life, seen: datetime | None, rng: Random) -> None:
        reported = {} if seen is None else {signal.name: signal.start(rng) for signal in kind.signals}
        desired: dict[str, Any] = {}
        for setting in kind.settings:
            if rng.random() < 0.3:  # noqa: PLR2004
                present = reported.get(setting.name, setting.values[0])
                desired[setting.name] = setting.another(present, rng) if rng.random() < 0.25 else present  # noqa: PLR2004
        wished = None
        if desired:
            wished = life.created_at + (self._moment - life.created_at) * rng.random()
        self._rows[THING_STATE].append(
            {
                "thing_id": thing_id,
                "reported": reported,
                "desired": desired,
                "version": (rng.randint(20, 9000) if reported else 0) + (1 if desired else 0),
                "reported_at": seen,
                "desired_at": wished,
            }
        )

    def _attributes(
        self, thing_id: UUID, kind: Kind, device_type: str, firmware: str, life: _Life, rng: Random
    ) -> None:
        serial = f"{rng.getrandbits(40):010X}"
        values: list[tuple[AttributeScope, str, str | float]] = [
            (AttributeScope.IDENTITY, "serial_number", serial),
            (AttributeScope.INVENTORY, DEVICE_TYPE, device_type),
            (AttributeScope.INVENTORY, "firmware_version", firmware),
            (AttributeScope.INVENTORY, "memory_mb", kind.memory_mb),
            (AttributeScope.SYSTEM, "update_channel", rng.choice(_CHANNELS)),
        ]
        if rng.random() < 0.5:  # noqa: PLR2004
            values.append((AttributeScope.INVENTORY, "hardware_revision", f"rev-{rng.choice('ABCD')}"))
        written = life.installed_at or life.created_at
        self._rows[THING_ATTRIBUTE] += [
            {
                "thing_id": thing_id,
                "scope": scope,
                "name": name,
                "value": value,
                "text_value": value if isinstance(value, str) else None,
                "number_value": None if isinstance(value, str) else float(value),
                "updated_at": written,
            }
            for scope, name, value in values
        ]

    def _tags(self, thing_id: UUID, kind: Kind, rng: Random) -> None:
        chosen = rng.sample(kind.tags, rng.randint(1, len(kind.tags)))
        if rng.random() < 0.08:  # noqa: PLR2004
            chosen.append("vip")
        self._rows[THING_TAG] += [{"thing_id": thing_id, "tag": tag} for tag in chosen]

    def _history(self, thing_id: UUID, life: _Life, rng: Random) -> None:
        self._rows[THING_LIFECYCLE] += [
            {
                "id": new_id(),
                "thing_id": thing_id,
                "lifecycle": lifecycle,
                "reason": rng.choice(_REASONS[lifecycle]),
                "occurred_at": at,
            }
            for lifecycle, at in life.steps
        ]

    def _groups(self, thing_id: UUID, site: Site, home: UUID | None, life: _Life, rng: Random) -> None:
        """Its home (the association that `home_group_id` repeats) and any others."""
        joined = [(home, True)] if home is not None else []
        joined += [(group, False) for group, share in site.crosses if rng.random() < share]
        self._rows[GROUP_THING] += [
            {"group_id": group, "thing_id": thing_id, "is_home": is_home, "created_at": life.created_at}
            for group, is_home in joined
        ]


def _metadata(rng: Random) -> dict[str, Any]:
    """What people noted: mostly nothing."""
    draw = rng.random()
    if draw < 0.55:  # noqa: PLR2004
        return {}
    note: dict[str, Any] = {"installer": rng.choice(("Team North", "Team South", "Contractor"))}
    if draw > 0.8:  # noqa: PLR2004
        note["location"] = {"floor": rng.randint(-1, 6), "room": f"{rng.randint(1, 40):02d}"}
    return note
