"""The Core tables behind the row classes: what statements are built from."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table
from sqlmodel import SQLModel

import models


def table_of(row: type[SQLModel]) -> Table:
    """The table of a row class."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


ACCESS_EPOCH: Final = table_of(models.AccessEpochRow)
ARTIFACT: Final = table_of(models.ArtifactRow)
ATTACHMENT: Final = table_of(models.AttachmentRow)
AUTH_SET: Final = table_of(models.AuthSetRow)
DEPLOYMENT: Final = table_of(models.DeploymentRow)
EVENT: Final = table_of(models.EventRow)
GATEWAY_PROCESS: Final = table_of(models.GatewayProcessRow)
GROUP: Final = table_of(models.GroupRow)
GROUP_ANCESTOR: Final = table_of(models.GroupAncestorRow)
GROUP_THING: Final = table_of(models.GroupThingRow)
MEMBERSHIP: Final = table_of(models.MembershipRow)
ORGANIZATION: Final = table_of(models.OrganizationRow)
ORGANIZATION_ANCESTOR: Final = table_of(models.OrganizationAncestorRow)
OTA_EXECUTION: Final = table_of(models.OtaExecutionRow)
OTA_JOB: Final = table_of(models.OtaJobRow)
OTA_JOB_KEY: Final = table_of(models.OtaJobKeyRow)
PROFILE: Final = table_of(models.ProfileRow)
REFRESH_TOKEN: Final = table_of(models.RefreshTokenRow)
RELEASE: Final = table_of(models.ReleaseRow)
SESSION: Final = table_of(models.SessionRow)
SIGNATURE: Final = table_of(models.SignatureRow)
SIGNING_KEY: Final = table_of(models.SigningKeyRow)
SIGNING_REQUEST: Final = table_of(models.SigningRequestRow)
SIGNING_REQUEST_KEY: Final = table_of(models.SigningRequestKeyRow)
TENANT_TOKEN: Final = table_of(models.TenantTokenRow)
THING: Final = table_of(models.ThingRow)
THING_ATTRIBUTE: Final = table_of(models.ThingAttributeRow)
THING_LIFECYCLE: Final = table_of(models.ThingLifecycleRow)
THING_SOCKET: Final = table_of(models.ThingSocketRow)
THING_STATE: Final = table_of(models.ThingStateRow)
THING_TAG: Final = table_of(models.ThingTagRow)
THING_TOKEN: Final = table_of(models.ThingTokenRow)
UPDATE_LOG_LINE: Final = table_of(models.UpdateLogLineRow)
USER: Final = table_of(models.UserRow)
