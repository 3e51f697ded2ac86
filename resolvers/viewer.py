"""Who is asking, as the graph shows it."""

from __future__ import annotations

from typing import Final

from schema.viewer import Grant, Viewer
from services.access import Access

MAX_GRANTS: Final = 100


def view_principal(access: Access) -> Viewer:
    """The viewer of an access."""
    grants = [
        Grant.over({"organization_id": organization, "permissions": access.permissions(organization)})
        for organization in sorted(access.roles)[:MAX_GRANTS]
    ]
    return Viewer.over(
        {
            "user_id": access.user_id,
            "thing_id": access.thing and access.thing.thing_id,
            "is_platform_admin": access.is_platform_admin,
            "grants": grants,
        }
    )
