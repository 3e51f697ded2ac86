"""Finding things by their natural keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_

from engine.errors import BadUserInput
from engine.resolve import key_in
from models.tables import THING


def external_id(given: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition of the one thing with this external id in the organization.

    Raises BadUserInput unless `external_id` and `organization_id` are given, and nothing else.
    """
    if given.keys() != {"external_id", "organization_id"}:
        raise BadUserInput("give id, or externalId and organizationId")
    organization = key_in("org", given["organization_id"])
    return and_(THING.c.organization_id == organization, THING.c.external_id == given["external_id"])
