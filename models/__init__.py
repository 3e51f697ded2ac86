"""Tables, enums, the store and its migrations: data without behaviour."""

from models.access_epoch import AccessEpochRow
from models.deployment import DeploymentRow
from models.event import EventRow
from models.group import GroupAncestorRow, GroupRow, GroupThingRow
from models.organization import MembershipRow, OrganizationAncestorRow, OrganizationRow
from models.ota import OtaExecutionRow, OtaJobRow
from models.presence import GatewayProcessRow, ThingSocketRow
from models.profile import ProfileRow
from models.release import ArtifactRow, ReleaseRow
from models.session import RefreshTokenRow, SessionRow
from models.state import ThingStateRow
from models.thing import ThingAttributeRow, ThingLifecycleRow, ThingRow, ThingTagRow
from models.user import UserRow

__all__ = [
    "AccessEpochRow",
    "ArtifactRow",
    "DeploymentRow",
    "EventRow",
    "GatewayProcessRow",
    "GroupAncestorRow",
    "GroupRow",
    "GroupThingRow",
    "MembershipRow",
    "OrganizationAncestorRow",
    "OrganizationRow",
    "OtaExecutionRow",
    "OtaJobRow",
    "ProfileRow",
    "RefreshTokenRow",
    "ReleaseRow",
    "SessionRow",
    "ThingAttributeRow",
    "ThingLifecycleRow",
    "ThingRow",
    "ThingSocketRow",
    "ThingStateRow",
    "ThingTagRow",
    "UserRow",
]
