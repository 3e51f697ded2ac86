"""The enums of the graph: the words of `models.enums` with their descriptions."""

from __future__ import annotations

from engine.enums import described
from models.enums import (
    ArtifactFormat,
    ArtifactStatus,
    AttachmentKind,
    AttributeScope,
    AuthSetStatus,
    DeploymentStatus,
    ErrorCode,
    EventKind,
    GroupKind,
    JobSigning,
    KeySpec,
    LeftOutReason,
    Lifecycle,
    OrganizationStatus,
    OtaExecutionStatus,
    OtaJobStatus,
    PayloadFormat,
    Permission,
    Role,
    SignedFile,
    SigningStatus,
    ThingAuthStatus,
    ThingType,
    UserStatus,
)

__all__ = [
    "ArtifactFormat",
    "ArtifactStatus",
    "AttachmentKind",
    "AttributeScope",
    "AuthSetStatus",
    "DeploymentStatus",
    "ErrorCode",
    "EventKind",
    "GroupKind",
    "JobSigning",
    "KeySpec",
    "LeftOutReason",
    "Lifecycle",
    "OrganizationStatus",
    "OtaExecutionStatus",
    "OtaJobStatus",
    "PayloadFormat",
    "Permission",
    "Role",
    "SignedFile",
    "SigningStatus",
    "ThingAuthStatus",
    "ThingType",
    "UserStatus",
]

described(
    OrganizationStatus,
    "Whether an organization may act.",
    {
        "ACTIVE": "In use.",
        "SUSPENDED": "Put on hold by the platform.",
        "CANCELLED": "Given up; kept for its records.",
    },
)
described(
    UserStatus,
    "Whether a person may sign in.",
    {"ACTIVE": "May sign in.", "DISABLED": "May not sign in; the account is kept."},
)
described(
    Role,
    "What a member may do in an organization and in all organizations below it.",
    {
        "VIEWER": "Reads everything.",
        "EDITOR": "Also changes things, groups, profiles, state, releases and deployments.",
        "ADMIN": "Also manages members and sub-organizations, and deletes.",
        "OWNER": "Also deletes the organization and names other owners.",
    },
)
described(
    GroupKind,
    "What a group stands for.",
    {"GROUP": "Any set of things.", "INSTALLATION": "A site with a gateway of its own."},
)
described(
    ThingType,
    "What a thing is in the fleet.",
    {
        "DEVICE": "A device of any kind.",
        "SENSOR": "Measures.",
        "ACTUATOR": "Acts.",
        "CONTROLLER": "Controls other things.",
        "GATEWAY": "Connects other things.",
    },
)
described(
    Lifecycle,
    "Where a thing is in its life.",
    {
        "NEW": "Known, not yet in place.",
        "INSTALLED": "In place and in use.",
        "UNINSTALLED": "Taken from its place.",
        "QUARANTINE": "Kept apart because something is wrong with it.",
        "RETIRED": "Out of use for good.",
    },
)
described(
    AttributeScope,
    "The namespace of an attribute: who writes it and what it means.",
    {
        "IDENTITY": "What identifies the thing, such as a serial number.",
        "INVENTORY": "What the thing reports of itself.",
        "SYSTEM": "What the gateway knows of the thing.",
        "TAGS": "Labels that people give, with values.",
    },
)
described(
    PayloadFormat,
    "How a kind of thing writes its messages.",
    {"JSON": "Plain JSON.", "SENML_JSON": "SenML in JSON (RFC 8428).", "BINARY": "Bytes of its own format."},
)
described(
    ArtifactFormat,
    "What kind of file an artifact is.",
    {
        "MENDER": "A Mender artifact.",
        "ESP_IMAGE": "An ESP-IDF application image.",
        "PACKAGE": "A zip with one firmware and an optional bootloader.",
        "RAW": "Any other file.",
    },
)
described(
    ArtifactStatus,
    "Whether the file of an artifact is there.",
    {
        "AWAITING_UPLOAD": "Declared; nothing has arrived that could be kept.",
        "AWAITING_CONFIRMATION": "The file is there, and something that it does not say of itself has to be given.",
        "GENERATING": "The gateway is making the file.",
        "READY": "The file is there, and is what was declared.",
        "FAILED": "The file could not be made; `problem` says why.",
    },
)
described(
    AttachmentKind,
    "What a file is that goes with an artifact.",
    {
        "QA_REPORT": "What quality assurance found.",
        "BOOTLOADER": "The boot loader that belongs to a firmware image.",
        "OTHER": "Anything else.",
    },
)
described(
    KeySpec,
    "What kind of key signs artifacts.",
    {"RSA_3072": "RSA with 3072 bits.", "ECDSA_P256": "ECDSA on the curve P-256."},
)
described(
    SigningStatus,
    "Where the work of a signing request is.",
    {
        "QUEUED": "Not begun.",
        "IN_PROGRESS": "Being done.",
        "SUCCESS": "Done: the signed files are there.",
        "FAILED": "Not possible; `description` says why.",
    },
)
described(
    SignedFile,
    "Which file of an artifact was signed.",
    {"FIRMWARE": "The file itself.", "BOOTLOADER": "The boot loader that belongs to it."},
)
described(
    JobSigning,
    "How the file of a job is signed.",
    {
        "NONE": "Not by the gateway.",
        "KEYS": "With all of some keys.",
        "AUTOMATIC": "For each thing with the key that its boot loader knows.",
    },
)
described(
    AuthSetStatus,
    "What was decided of one identity with one public key.",
    {
        "PENDING": "Nothing yet.",
        "ACCEPTED": "It may sign in.",
        "REJECTED": "It may not sign in.",
        "PREAUTHORIZED": "It may sign in as soon as it comes.",
    },
)
described(
    ThingAuthStatus,
    "What the auth sets of a thing come to.",
    {
        "ACCEPTED": "One of them is accepted.",
        "PREAUTHORIZED": "One of them is preauthorized, none accepted.",
        "PENDING": "One of them waits for a decision, none lets it in.",
        "REJECTED": "All of them are rejected.",
        "NOAUTH": "There is none; such a thing can only sign in with a key.",
    },
)
described(
    DeploymentStatus,
    "Where a deployment is.",
    {
        "SCHEDULED": "Starts at a later time.",
        "PENDING": "Started; no thing has begun.",
        "IN_PROGRESS": "At least one thing has begun.",
        "PAUSED": "Offers nothing until it is resumed.",
        "FINISHED": "Every update has ended.",
    },
)
described(
    LeftOutReason,
    "Why a deployment would do nothing for a thing of its target.",
    {
        "NO_ARTIFACT_FOR_TYPE": "Nothing in the release fits the type that it has said.",
        "NO_PHASE": "The phases together are for fewer things than there are.",
        "DECOMMISSIONED": "It has been decommissioned.",
    },
)
described(
    OtaJobStatus,
    "Where an OTA job is.",
    {
        "SCHEDULED": "Starts at a later time.",
        "IN_PROGRESS": "Offers updates to its things.",
        "PAUSED": "Offers nothing until it is resumed.",
        "FINISHED": "Every update has ended.",
        "CANCELLED": "Stopped by a person.",
    },
)
described(
    OtaExecutionStatus,
    "Where one thing's update is. The first eight are active, the others have ended.",
    {
        "PENDING": "Not yet learned of by the thing.",
        "AWAITING_APPROVAL": "Waits for a person who shares the thing.",
        "TRIGGERED": "Offered to the thing.",
        "STARTED": "Taken up by the thing.",
        "DOWNLOADING": "The file is being downloaded.",
        "INSTALLING": "The file is being installed.",
        "REBOOTING": "The thing restarts.",
        "DELAYED": "Put off by the thing.",
        "SUCCESS": "Installed.",
        "FAILURE": "Failed, with no attempt left.",
        "REJECTED": "Refused by the thing or by a person.",
        "ALREADY_INSTALLED": "The thing has it already.",
        "NO_ARTIFACT": "No artifact of the release fits the thing.",
        "ABORTED": "Stopped by a person.",
        "EXPIRED": "Not done in time.",
        "DECOMMISSIONED": "The thing has left the fleet.",
    },
)
described(
    EventKind,
    "What happened.",
    {
        "THING_CREATED": "A thing was created.",
        "THING_UPDATED": "A thing was edited, got another key, or joined or left a group that is not its home.",
        "THING_MOVED": "A thing got another home group, or none, or moved to another organization.",
        "THING_DELETED": "A thing was deleted.",
        "THING_LIFECYCLE_CHANGED": "A thing went a step further in its life.",
        "THING_CONNECTIVITY_CHANGED": "A thing came online or went offline.",
        "THING_STATE_CHANGED": "A thing reported, or something else is wanted of it.",
        "OTA_EXECUTION_CHANGED": "One thing's update began, went on, or ended.",
        "OTA_JOB_CHANGED": "An OTA job was created, edited or deleted, or its status or its counts changed.",
        "DEPLOYMENT_CHANGED": "A deployment was created, edited or deleted, or its status or its counts changed.",
        "OTA_UPDATE_OFFERED": "People are told that an update of a thing waits for their consent.",
        "MEMBERSHIP_CHANGED": "A person became a member, got another role, or is no member any more.",
    },
)
described(
    ErrorCode,
    "Why a mutation did not do what was asked.",
    {
        "INVALID_INPUT": "A value breaks a rule; `path` names it.",
        "NOT_FOUND": "It does not exist, or not for you.",
        "FORBIDDEN": "You may see it, but not do this to it.",
        "CONFLICT": "It clashes with what is stored: a taken name, or a newer version.",
        "LIMIT_REACHED": "A bound of the organization or of the gateway is reached.",
        "WRONG_STATE": "Its present status does not allow this.",
        "UNAUTHENTICATED": "The credentials are not valid.",
        "CURSOR_EXPIRED": "The events behind this cursor are no longer kept.",
    },
)
described(
    Permission,
    "What a principal may do.",
    {
        "ORGANIZATION_READ": "See organizations.",
        "ORGANIZATION_CREATE": "Create organizations below.",
        "ORGANIZATION_UPDATE": "Change and move organizations.",
        "ORGANIZATION_DELETE": "Delete organizations.",
        "MEMBERSHIP_READ": "See members.",
        "MEMBERSHIP_WRITE": "Add, change and remove members.",
        "GROUP_READ": "See groups.",
        "GROUP_WRITE": "Create, change and move groups, and put things in and out.",
        "GROUP_DELETE": "Delete groups.",
        "PROFILE_READ": "See profiles.",
        "PROFILE_WRITE": "Create and change profiles.",
        "PROFILE_DELETE": "Delete profiles.",
        "THING_READ": "See things with their state.",
        "THING_WRITE": "Create, change and move things.",
        "THING_DELETE": "Delete things.",
        "THING_AUTHORIZE": "Decide which things may sign in, and end their tokens.",
        "TENANT_READ": "See which tenant tokens there are.",
        "TENANT_WRITE": "Make and delete tenant tokens.",
        "STATE_REPORT": "Report the state of things.",
        "STATE_DESIRE": "Set the desired state of things.",
        "RELEASE_READ": "See releases and artifacts, and download them.",
        "RELEASE_WRITE": "Create and change releases and artifacts.",
        "RELEASE_DELETE": "Delete releases and artifacts.",
        "OTA_READ": "See deployments, jobs and executions.",
        "OTA_DEPLOY": "Create and stop deployments and jobs.",
        "OTA_APPROVE": "Let updates of things go on, or refuse them.",
        "OTA_REPORT": "Report the progress of updates.",
        "SIGNING_READ": "See signing keys without their private part, and what they signed.",
        "SIGNING_WRITE": "Make signing keys, and have artifacts signed.",
        "USER_ADMINISTER": "Create and disable accounts (platform administrators only).",
    },
)
