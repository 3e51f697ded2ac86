"""What reading each field needs: one entry for every field, or the schema cannot be built.

Fields of object types are reached from rows that the scope of their table has let through (`services.scope`), so a
type's permission is that of its table. Mutations are classified where they are made.
"""

from __future__ import annotations

from typing import Final

from models.enums import Permission
from resolvers.mutation import PUBLIC, SIGNED_IN, Need

ROOT: Final[dict[str, Need]] = {
    "Query.organization": Permission.ORGANIZATION_READ,
    "Query.organizations": Permission.ORGANIZATION_READ,
    "Query.user": Permission.MEMBERSHIP_READ,
    "Query.users": Permission.MEMBERSHIP_READ,
    "Query.membership": Permission.MEMBERSHIP_READ,
    "Query.group": Permission.GROUP_READ,
    "Query.groups": Permission.GROUP_READ,
    "Query.profile": Permission.PROFILE_READ,
    "Query.profiles": Permission.PROFILE_READ,
    "Query.things": Permission.THING_READ,
    "Query.artifact": Permission.RELEASE_READ,
    "Query.artifacts": Permission.RELEASE_READ,
    "Query.release": Permission.RELEASE_READ,
    "Query.releases": Permission.RELEASE_READ,
    "Query.deployment": Permission.OTA_READ,
    "Query.deployments": Permission.OTA_READ,
    "Query.otaJob": Permission.OTA_READ,
    "Query.otaJobs": Permission.OTA_READ,
    "Query.otaExecution": Permission.OTA_READ,
    "Query.otaExecutions": Permission.OTA_READ,
    "Query.attachment": Permission.RELEASE_READ,
    "Query.authSet": Permission.THING_READ,
    "Query.signingKey": Permission.SIGNING_READ,
    "Query.signingKeys": Permission.SIGNING_READ,
    "Query.signingRequest": Permission.SIGNING_READ,
    "Query.signingRequests": Permission.SIGNING_READ,
    "Query.nextUpdate": Permission.OTA_READ,
    "Query.viewer": SIGNED_IN,
    "Query.eventCursor": SIGNED_IN,
    "Query.node": SIGNED_IN,
    "Query.nodes": SIGNED_IN,
    "Query.thing": Permission.THING_READ,
    "Query.thingStats": Permission.THING_READ,
    "Query.deploymentPreview": Permission.OTA_DEPLOY,
    "Subscription.thingStateChanged": Permission.THING_READ,
    "Subscription.thingConnectivityChanged": Permission.THING_READ,
    "Subscription.thingChanged": Permission.THING_READ,
    "Subscription.otaExecutionChanged": Permission.OTA_READ,
    "Subscription.otaUpdateOffered": Permission.OTA_READ,
    "Subscription.deploymentProgress": Permission.OTA_READ,
    "Subscription.otaJobProgress": Permission.OTA_READ,
    "Subscription.membershipChanged": Permission.MEMBERSHIP_READ,
    "Subscription.events": SIGNED_IN,
}
"""The root fields."""

FIELDS: Final[dict[str, tuple[Need, str]]] = {
    "Deployment": (
        Permission.OTA_READ,
        (
            "id name description status target priority retries startsAt finishedAt abortedAt version "
            "createdAt updatedAt counts organization release createdBy jobs executions approval archivedAt "
            "askedCount dynamic expiresAt force initialThingCount maxThings metadata notify pausedAt retryOf "
            "shareFile stopFailures stopMinimum stopPercent stopReason stoppedAt timeoutSeconds windowEnd "
            "windowStart"
        ),
    ),
    "Node": (SIGNED_IN, "id"),
    "ExecutionCounts": (
        Permission.OTA_READ,
        (
            "total pending awaitingApproval triggered started downloading installing rebooting delayed "
            "success failure rejected alreadyInstalled noArtifact aborted expired decommissioned"
        ),
    ),
    "PageInfo": (PUBLIC, "hasNextPage hasPreviousPage startCursor endCursor"),
    "Group": (
        Permission.GROUP_READ,
        "id name kind description metadata version createdAt updatedAt organization parent children things",
    ),
    "Organization": (
        Permission.ORGANIZATION_READ,
        (
            "id name description email phone address metadata status thingLimit version createdAt updatedAt "
            "parent children memberships groups things profiles releases artifacts deployments otaJobs "
            "acceptedThingCount acceptedThingLimit signingKeys signingRequests storageLimit storageUsed "
            "tenantTokens timeZone"
        ),
    ),
    "Membership": (Permission.MEMBERSHIP_READ, "id role createdAt updatedAt user organization"),
    "OtaJob": (
        Permission.OTA_READ,
        (
            "id name phase status priority retries startsAt finishedAt version createdAt updatedAt counts "
            "organization deployment artifact executions afterSuccessPercent approval archivedAt askedCount "
            "begunAt cancelledAt createdBy description dynamic expiresAt force maxThings metadata notify "
            "pausedAt phaseCount phasePercent plannedCount retryOf shareFile signing signingKeys stopFailures "
            "stopMinimum stopPercent stopReason stoppedAt target timeoutSeconds windowEnd windowStart"
        ),
    ),
    "OtaExecution": (
        Permission.OTA_READ,
        (
            "id status substate progress attempts startedAt finishedAt version createdAt updatedAt "
            "organization thing job deployment artifact approvedAt approvedBy deviceType hasLog log "
            "logLineCount logUploadedAt offeredAt"
        ),
    ),
    "Profile": (
        Permission.PROFILE_READ,
        "id name description payloadFormat writeMessages metadata version createdAt updatedAt organization things",
    ),
    "Release": (
        Permission.RELEASE_READ,
        "id name notes version createdAt updatedAt organization artifacts deployments",
    ),
    "Artifact": (
        Permission.RELEASE_READ,
        (
            "id name artifactVersion description format compatibleTypes provides depends fileName size sha256 "
            "status downloadUrl downloadExpiresAt uploadedAt version createdAt updatedAt organization release "
            "otaJobs executions archivedAt attachments createdBy info md5 model private problem signatures "
            "signed signedFrom updates"
        ),
    ),
    "Thing": (
        Permission.THING_READ,
        (
            "id name type externalId lifecycle connected lastSeenAt reportIntervalSeconds metadata version "
            "createdAt updatedAt tags attributes lifecycleHistory state organization homeGroup groups profile "
            "executions authSets authStatus bootKeyDigests decommissionedAt identity software timeZone tokens"
        ),
    ),
    "ThingAttribute": (Permission.THING_READ, "scope name value updatedAt"),
    "ThingLifecycleChange": (Permission.THING_READ, "lifecycle reason occurredAt"),
    "ThingState": (Permission.THING_READ, "reported desired delta version reportedAt desiredAt thing"),
    "User": (
        Permission.MEMBERSHIP_READ,
        "id email name status metadata version createdAt updatedAt memberships deployments",
    ),
    "Viewer": (SIGNED_IN, "user thing isPlatformAdmin organizations grants"),
    "Grant": (SIGNED_IN, "organization permissions"),
    "ThingStats": (Permission.THING_READ, "total connected disconnected buckets"),
    "ThingStatsBucket": (Permission.THING_READ, "key count connected"),
    "DeploymentPreview": (Permission.OTA_READ, "thingCount artifacts leftOut phases"),
    "PreviewArtifact": (Permission.RELEASE_READ, "artifact count"),
    "PreviewLeftOut": (Permission.OTA_READ, "reason count"),
    "Attachment": (
        Permission.RELEASE_READ,
        (
            "artifact createdAt createdBy description downloadUrl fileName id kind md5 metadata organization "
            "sha256 size updatedAt uploadedAt version"
        ),
    ),
    "AuthSet": (Permission.THING_READ, "createdAt id identity organization publicKey status thing updatedAt version"),
    "Signature": (
        Permission.SIGNING_READ,
        (
            "artifact artifactName attachment createdAt createdBy file fileName id key keyName organization "
            "publicKeyDigest request sha256 signedArtifact"
        ),
    ),
    "SigningKey": (
        Permission.SIGNING_READ,
        ("createdAt description id name organization publicKey publicKeyDigest signatures spec tags updatedAt version"),
    ),
    "SigningRequest": (
        Permission.SIGNING_READ,
        (
            "artifact createdAt createdBy description finishedAt id keys organization signBootloader "
            "signatures signedArtifact status updatedAt version"
        ),
    ),
    "TenantToken": (Permission.TENANT_READ, "createdAt createdBy id name organization updatedAt version"),
    "ThingToken": (Permission.THING_READ, "authSet expiresAt id issuedAt thing"),
    "UpdateOffer": (
        Permission.OTA_READ,
        (
            "artifact artifactName artifactVersion compatibleTypes description downloadExpiresAt downloadUrl "
            "execution fileName keyDigests md5 metadata sha256 size"
        ),
    ),
    "UpdateLogLine": (Permission.OTA_READ, "level message number occurredAt"),
    "UserError": (PUBLIC, "code message path"),
    "Session": (PUBLIC, "accessToken refreshToken expiresAt sessionExpiresAt"),
    "ThingKey": (Permission.THING_WRITE, "thing key"),
    "ThingResult": (Permission.THING_WRITE, "index thing userErrors"),
    "ThingReportResult": (Permission.STATE_REPORT, "index version state thing userErrors"),
    "Event": (SIGNED_IN, "cursor kind occurredAt coalesced"),
    "ThingStateEvent": (
        Permission.THING_READ,
        "cursor kind occurredAt coalesced side patch version state thing",
    ),
    "ThingConnectivityEvent": (
        Permission.THING_READ,
        "cursor kind occurredAt coalesced connected reason thing",
    ),
    "ThingEvent": (
        Permission.THING_READ,
        "cursor kind occurredAt coalesced thingId name lifecycle lifecycleReason thing",
    ),
    "OtaExecutionEvent": (
        Permission.OTA_READ,
        "cursor kind occurredAt coalesced executionId status execution thing",
    ),
    "OtaUpdateOfferedEvent": (Permission.OTA_READ, "cursor kind occurredAt coalesced executionId execution thing"),
    "DeploymentEvent": (Permission.OTA_READ, "cursor kind occurredAt coalesced deploymentId deleted deployment"),
    "OtaJobEvent": (Permission.OTA_READ, "cursor kind occurredAt coalesced otaJobId deleted otaJob"),
    "MembershipEvent": (
        Permission.MEMBERSHIP_READ,
        (
            "cursor kind occurredAt coalesced change membershipId role previousRole userId organizationId user "
            "organization"
        ),
    ),
}
"""The fields of object types."""
