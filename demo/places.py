"""The organizations of the demo fleet and the groups inside each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from demo.kinds import AIR, CHARGER, CLIMATE, COLD_CHAIN, GATEWAY, PLUG, TRACKER, Kind
from models.enums import GroupKind

ROOT_NAME: Final = "Example Fleet"
THINGS_WITHOUT_HOME: Final = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """An organization: its part of all things (in percent), its kinds by weight, and the organizations below it.

    `centre` is the latitude and longitude, in degrees, around which its sites lie.
    """

    name: str
    description: str
    city: str
    centre: tuple[float, float]
    share: int
    kinds: dict[Kind, int]
    children: tuple[Place, ...] = ()

    def locate(self, number: int) -> dict[str, object]:
        """Where its site with this number stands, from 0: turn by turn around the centre, none on top of another."""
        latitude, longitude = self.centre
        reach, angle = 0.008 * math.sqrt(number), number * math.pi * (3 - math.sqrt(5))
        return {
            "latitude": round(latitude + reach * math.sin(angle), 5),
            "longitude": round(longitude + 2 * reach * math.cos(angle), 5),
        }

    def walk(self, parent: Place | None = None) -> Iterator[tuple[Place, Place | None]]:
        """This place and all below it, each with its parent, parents first."""
        yield self, parent
        for child in self.children:
            yield from child.walk(self)


FLEET: Final = Place(
    name=ROOT_NAME,
    description="Cold chains, bike charging and smart buildings, run for customers in two regions.",
    city="Northport",
    centre=(47.388, 8.480),
    share=50,
    kinds={COLD_CHAIN: 28, CHARGER: 16, PLUG: 18, GATEWAY: 9, CLIMATE: 11, AIR: 10, TRACKER: 8},
    children=(
        Place(
            name="Example Fleet North",
            description="The northern region: its own workshop, spare devices and customers.",
            city="Northport",
            centre=(47.438, 8.560),
            share=3,
            kinds={GATEWAY: 2, TRACKER: 3},
            children=(
                Place(
                    name="Harbour Cold Store",
                    description="Deep-frozen goods between quay and lorry.",
                    city="Northport",
                    centre=(47.428, 8.330),
                    share=14,
                    kinds={COLD_CHAIN: 7, GATEWAY: 1, TRACKER: 2},
                ),
                Place(
                    name="Station Bike Hub",
                    description="Charging docks at railway stations.",
                    city="Lakefield",
                    centre=(47.412, 8.745),
                    share=10,
                    kinds={CHARGER: 8, GATEWAY: 1, PLUG: 1},
                ),
            ),
        ),
        Place(
            name="Example Fleet South",
            description="The southern region: markets and buildings.",
            city="Southbridge",
            centre=(47.345, 8.610),
            share=3,
            kinds={GATEWAY: 3, PLUG: 2},
            children=(
                Place(
                    name="Old Town Markets",
                    description="Refrigerated counters and their sockets in eleven market halls.",
                    city="Southbridge",
                    centre=(47.316, 8.745),
                    share=11,
                    kinds={COLD_CHAIN: 6, PLUG: 4, GATEWAY: 1},
                ),
                Place(
                    name="Riverside Campus",
                    description="A university campus with heating, air and energy under watch.",
                    city="Millford",
                    centre=(47.318, 8.350),
                    share=9,
                    kinds={CLIMATE: 5, AIR: 5, PLUG: 3, GATEWAY: 1},
                ),
            ),
        ),
    ),
)

_WORDS: Final = (
    "Maple", "Canal", "Foundry", "Birch", "Quay", "Orchard", "Mill", "Summit", "Willow", "Garden", "Tower", "Bridge",
    "Meadow", "Stone", "Cedar", "Lantern", "Harvest", "Copper", "Station", "Juniper", "Lake", "Abbey", "Rose", "Anchor",
)  # fmt: skip
_SITES: Final = ("Depot", "Market", "Hub", "Store", "Yard", "House")
_AREAS: Final = ("Old Town", "Waterfront", "East District", "West District", "Uplands", "Airport", "University", "Ring")
_ROOMS: Final = ("loading dock", "main hall", "roof", "basement")
CROSS_GROUPS: Final = (
    ("Pilot firmware", "Gets every release first.", 0.10),
    ("Critical goods", "Somebody is called at night for these.", 0.07),
    ("Field service this week", "On the tour of the service vans.", 0.05),
)
"""Groups across all places: name, description, and the part of the things that is in them."""


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A group to be: things live in it in proportion to `weight`, or they may be in it beside their home."""

    name: str
    description: str
    kind: GroupKind
    parent: str | None = None
    weight: int = 0
    share: float = 0.0
    meta: dict[str, object] = field(default_factory=dict)

    @property
    def is_located(self) -> bool:
        """Whether it is a part of the town or a site: a room stands where its site does, other groups nowhere."""
        return self.weight > 0 and (self.parent is None or self.kind is GroupKind.INSTALLATION)


def plan_groups(things: int, rng: Random) -> list[GroupPlan]:
    """The groups of an organization with about `things` things, each after its parent, at most three levels deep.

    A small organization has a few sites, so that each shows some things; a big one has sites of up to 400 things.
    """
    sites = max(2, min(8, math.ceil(things / 12))) + things // 400
    areas = max(1, math.ceil(sites / 6))
    plans: list[GroupPlan] = []
    for first in range(areas):
        area = _area(first)
        plans.append(area)
        for number in range(first, sites, areas):
            site = _site(number, area.name, rng)
            plans.append(site)
            if number % 3 == 0:
                plans += [_room(site, room) for room in rng.sample(_ROOMS, 2)]
    plans += [
        GroupPlan(name=name, description=description, kind=GroupKind.GROUP, share=share)
        for name, description, share in CROSS_GROUPS
    ]
    return plans


def _area(number: int) -> GroupPlan:
    turn, place = divmod(number, len(_AREAS))
    name = _AREAS[place] if turn == 0 else f"{_AREAS[place]} {turn + 1}"
    return GroupPlan(name, "A part of the town, with what stands in the street.", GroupKind.GROUP, weight=3)


def _site(number: int, area: str, rng: Random) -> GroupPlan:
    turn, place = divmod(number, len(_WORDS) * len(_SITES))
    name = f"{_WORDS[place % len(_WORDS)]} {_SITES[(place + place // len(_WORDS)) % len(_SITES)]}"
    return GroupPlan(
        name=name if turn == 0 else f"{name} {turn + 1}",
        description="A site with a gateway of its own.",
        kind=GroupKind.INSTALLATION,
        parent=area,
        weight=4,
        meta={"floors": rng.randint(1, 6), "contractEnds": f"20{rng.randint(27, 31)}-12-31"},
    )


def _room(site: GroupPlan, room: str) -> GroupPlan:
    return GroupPlan(f"{site.name}, {room}", "", GroupKind.GROUP, parent=site.name, weight=2)
