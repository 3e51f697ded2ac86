"""Tables, enums, the store and its migrations: data without behaviour."""

from models.access_epoch import AccessEpochRow
from models.auth_set import AuthSetRow, TenantTokenRow, ThingTokenRow
from models.deployment import DeploymentRow
from models.event import EventRow
from models.group import GroupAncestorRow, GroupRow, GroupThingRow
from models.organization import MembershipRow, OrganizationAncestorRow, OrganizationRow
from models.ota import OtaExecutionRow, OtaJobKeyRow, OtaJobRow, UpdateLogLineRow
from models.presence import GatewayProcessRow, ThingSocketRow
from models.profile import ProfileRow
from models.release import ArtifactRow, AttachmentRow, ReleaseRow
from models.session import RefreshTokenRow, SessionRow
from models.signing import SignatureRow, SigningKeyRow, SigningRequestKeyRow, SigningRequestRow
from models.state import ThingStateRow
from models.thing import ThingAttributeRow, ThingLifecycleRow, ThingRow, ThingTagRow
from models.user import UserRow

__all__ = [
    "AccessEpochRow",
    "ArtifactRow",
    "AttachmentRow",
    "AuthSetRow",
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
    "OtaJobKeyRow",
    "OtaJobRow",
    "ProfileRow",
    "RefreshTokenRow",
    "ReleaseRow",
    "SessionRow",
    "SignatureRow",
    "SigningKeyRow",
    "SigningRequestKeyRow",
    "SigningRequestRow",
    "TenantTokenRow",
    "ThingAttributeRow",
    "ThingLifecycleRow",
    "ThingRow",
    "ThingSocketRow",
    "ThingStateRow",
    "ThingTagRow",
    "ThingTokenRow",
    "UpdateLogLineRow",
    "UserRow",
]
