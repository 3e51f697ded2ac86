"""The people of the demo fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.places import ROOT_NAME
from models.enums import Role, UserStatus

DEMO_EMAIL: Final = "demo@example.com"
DEMO_PASSWORD: Final = "fleetgraph-demo"  # noqa: S105 - printed by `make run` for everybody to use


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in with the demo password, and the roles that they hold by name of the organization."""

    name: str
    email: str
    roles: dict[str, Role]
    status: UserStatus = UserStatus.ACTIVE


PEOPLE: Final = (
    Person("Dana Example", DEMO_EMAIL, {ROOT_NAME: Role.OWNER}),
    Person("Ada Moreno", "ada.moreno@example.com", {ROOT_NAME: Role.ADMIN}),
    Person("Jonas Keller", "jonas.keller@example.com", {ROOT_NAME: Role.EDITOR}),
    Person("Mira Okafor", "mira.okafor@example.com", {ROOT_NAME: Role.VIEWER}),
    Person("Lena Fischer", "lena.fischer@example.com", {"Example Fleet North": Role.ADMIN}),
    Person("Tomas Lind", "tomas.lind@example.com", {"Example Fleet South": Role.ADMIN}),
    Person("Priya Raman", "priya.raman@example.com", {"Harbour Cold Store": Role.OWNER}),
    Person("Oskar Berg", "oskar.berg@example.com", {"Harbour Cold Store": Role.EDITOR}),
    Person(
        "Nadia Costa",
        "nadia.costa@example.com",
        {"Station Bike Hub": Role.EDITOR, "Old Town Markets": Role.VIEWER},
    ),
    Person("Samir Haddad", "samir.haddad@example.com", {"Old Town Markets": Role.OWNER}),
    Person("Grace Lim", "grace.lim@example.com", {"Riverside Campus": Role.EDITOR}),
    Person("Pavel Novak", "pavel.novak@example.com", {"Riverside Campus": Role.VIEWER}, UserStatus.DISABLED),
)
