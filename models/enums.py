"""The words of the fleet. Values are what GraphQL shows and what the database holds."""

from __future__ import annotations

from enum import StrEnum


class OrganizationStatus(StrEnum):
    """Whether an organization may act."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"


class UserStatus(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class Role(StrEnum):
    """What a member may do in an organization and in all organizations below it, weakest first."""

    VIEWER = "VIEWER"
    EDITOR = "EDITOR"
    ADMIN = "ADMIN"
    OWNER = "OWNER"


class GroupKind(StrEnum):
    """What a group stands for."""

    GROUP = "GROUP"
    INSTALLATION = "INSTALLATION"


class ThingType(StrEnum):
    """What a thing is in the fleet."""

    DEVICE = "DEVICE"
    SENSOR = "SENSOR"
    ACTUATOR = "ACTUATOR"
    CONTROLLER = "CONTROLLER"
    GATEWAY = "GATEWAY"


class Lifecycle(StrEnum):
    """Where a thing is in its life."""

    NEW = "NEW"
    INSTALLED = "INSTALLED"
    UNINSTALLED = "UNINSTALLED"
    QUARANTINE = "QUARANTINE"
    RETIRED = "RETIRED"


class AttributeScope(StrEnum):
    """The namespace of an attribute: who writes it and what it means."""

    IDENTITY = "IDENTITY"
    INVENTORY = "INVENTORY"
    SYSTEM = "SYSTEM"
    TAGS = "TAGS"


class PayloadFormat(StrEnum):
    """How a kind of thing writes its messages."""

    JSON = "JSON"
    SENML_JSON = "SENML_JSON"
    BINARY = "BINARY"


class ArtifactFormat(StrEnum):
    """What kind of file an artifact is."""

    MENDER = "MENDER"
    ESP_IMAGE = "ESP_IMAGE"
    PACKAGE = "PACKAGE"
    RAW = "RAW"


class ArtifactStatus(StrEnum):
    """Whether the file of an artifact is there."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    GENERATING = "GENERATING"
    READY = "READY"
    FAILED = "FAILED"


class AttachmentKind(StrEnum):
    """What a file is that goes with an artifact."""

    QA_REPORT = "QA_REPORT"
    BOOTLOADER = "BOOTLOADER"
    OTHER = "OTHER"


class KeySpec(StrEnum):
    """What kind of key signs artifacts."""

    RSA_3072 = "RSA_3072"
    ECDSA_P256 = "ECDSA_P256"


class SigningStatus(StrEnum):
    """Where the work of a signing request is."""

    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class SignedFile(StrEnum):
    """Which file of an artifact was signed."""

    FIRMWARE = "FIRMWARE"
    BOOTLOADER = "BOOTLOADER"


class JobSigning(StrEnum):
    """How the file of a job is signed."""

    NONE = "NONE"
    KEYS = "KEYS"
    AUTOMATIC = "AUTOMATIC"


class AuthSetStatus(StrEnum):
    """What was decided of one identity with one public key."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    PREAUTHORIZED = "PREAUTHORIZED"


class ThingAuthStatus(StrEnum):
    """What the auth sets of a thing come to."""

    ACCEPTED = "ACCEPTED"
    PREAUTHORIZED = "PREAUTHORIZED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    NOAUTH = "NOAUTH"


class DeploymentStatus(StrEnum):
    """Where a campaign is."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class OtaJobStatus(StrEnum):
    """Where a batch of updates is."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"


class OtaExecutionStatus(StrEnum):
    """Where one thing's update is: the first eight are active, the others ended."""

    PENDING = "PENDING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    TRIGGERED = "TRIGGERED"
    STARTED = "STARTED"
    DOWNLOADING = "DOWNLOADING"
    INSTALLING = "INSTALLING"
    REBOOTING = "REBOOTING"
    DELAYED = "DELAYED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REJECTED = "REJECTED"
    ALREADY_INSTALLED = "ALREADY_INSTALLED"
    NO_ARTIFACT = "NO_ARTIFACT"
    ABORTED = "ABORTED"
    EXPIRED = "EXPIRED"
    DECOMMISSIONED = "DECOMMISSIONED"


class LeftOutReason(StrEnum):
    """Why a deployment would do nothing for a thing of its target."""

    NO_ARTIFACT_FOR_TYPE = "NO_ARTIFACT_FOR_TYPE"
    NO_PHASE = "NO_PHASE"
    DECOMMISSIONED = "DECOMMISSIONED"


class EventKind(StrEnum):
    """What happened; the event log holds one row for each."""

    THING_CREATED = "THING_CREATED"
    THING_UPDATED = "THING_UPDATED"
    THING_MOVED = "THING_MOVED"
    THING_DELETED = "THING_DELETED"
    THING_LIFECYCLE_CHANGED = "THING_LIFECYCLE_CHANGED"
    THING_CONNECTIVITY_CHANGED = "THING_CONNECTIVITY_CHANGED"
    THING_STATE_CHANGED = "THING_STATE_CHANGED"
    OTA_EXECUTION_CHANGED = "OTA_EXECUTION_CHANGED"
    OTA_JOB_CHANGED = "OTA_JOB_CHANGED"
    DEPLOYMENT_CHANGED = "DEPLOYMENT_CHANGED"
    OTA_UPDATE_OFFERED = "OTA_UPDATE_OFFERED"
    MEMBERSHIP_CHANGED = "MEMBERSHIP_CHANGED"


class ErrorCode(StrEnum):
    """Why a mutation did not do what was asked, or why an operation was refused."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    LIMIT_REACHED = "LIMIT_REACHED"
    WRONG_STATE = "WRONG_STATE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"


class Permission(StrEnum):
    """What a principal may do, as `noun:verb`."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_CREATE = "organization:create"
    ORGANIZATION_UPDATE = "organization:update"
    ORGANIZATION_DELETE = "organization:delete"
    MEMBERSHIP_READ = "membership:read"
    MEMBERSHIP_WRITE = "membership:write"
    GROUP_READ = "group:read"
    GROUP_WRITE = "group:write"
    GROUP_DELETE = "group:delete"
    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    PROFILE_DELETE = "profile:delete"
    THING_READ = "thing:read"
    THING_WRITE = "thing:write"
    THING_DELETE = "thing:delete"
    THING_AUTHORIZE = "thing:authorize"
    TENANT_READ = "tenant:read"
    TENANT_WRITE = "tenant:write"
    STATE_REPORT = "state:report"
    STATE_DESIRE = "state:desire"
    RELEASE_READ = "release:read"
    RELEASE_WRITE = "release:write"
    RELEASE_DELETE = "release:delete"
    OTA_READ = "ota:read"
    OTA_DEPLOY = "ota:deploy"
    OTA_APPROVE = "ota:approve"
    OTA_REPORT = "ota:report"
    SIGNING_READ = "signing:read"
    SIGNING_WRITE = "signing:write"
    USER_ADMINISTER = "user:administer"
