"""Settings, each from an environment variable `FLEETGRAPH_<NAME>`; the README lists them from here."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Profile(StrEnum):
    """Whom the gateway is served to."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that an operator may set."""

    model_config = SettingsConfigDict(env_prefix="FLEETGRAPH_", extra="ignore", frozen=True)

    profile: Profile = Field(
        Profile.PRODUCTION, description="`development` opens GraphiQL, introspection and GET queries."
    )
    data_dir: Path = Field(Path("var"), description="Where the SQLite file, the signing key and artifacts are kept.")
    database_url: str | None = Field(
        None,
        description="`sqlite:///path/to/file.db` or `postgresql://...`; a file in the data directory when empty.",
    )
    database_connections: int = Field(8, ge=1, le=200, description="Connections for reading, and as many for writing.")
    statement_timeout: float = Field(15.0, gt=0, description="Seconds after which PostgreSQL ends a statement.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the port.")
    public_url: str | None = Field(
        None, description="How clients reach the gateway, for signed addresses; the listening address when empty."
    )
    token_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Signs tokens and addresses (at least 32 characters); kept in the data directory when empty.",
    )
    previous_token_secret: SecretStr | None = Field(
        None, min_length=32, description="The secret before a change: still verifies, no longer signs."
    )
    signing_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Encrypts signing keys at rest (at least 32 characters); kept in the data directory when empty.",
    )
    previous_signing_secret: SecretStr | None = Field(
        None, min_length=32, description="The signing secret before a change: its keys are encrypted anew at the start."
    )
    access_token_seconds: int = Field(900, ge=30, le=86400, description="How long an access token is good for.")
    session_seconds: int = Field(2_592_000, ge=60, description="How long a session may be prolonged by refresh tokens.")
    thing_token_seconds: int = Field(
        604_800,
        ge=60,
        le=2_592_000,
        description="How long a token is good for that a thing gets when it signs in by its key pair.",
    )
    default_organization: str | None = Field(
        None,
        pattern="^org_[0-9a-f]{32}$",
        description="The organization of things that sign in by a key pair with no tenant token, or an unknown one.",
    )
    pending_things: int = Field(
        10_000, ge=1, description="Things of one organization that may wait to be accepted; more are refused."
    )
    signed_url_seconds: int = Field(900, ge=30, le=86400, description="How long a download address is good for.")
    upload_url_seconds: int = Field(3600, ge=30, le=86400, description="How long an upload address is good for.")
    max_artifact_bytes: int = Field(1_073_741_824, ge=1, description="The largest artifact that may be uploaded.")
    s3_bucket: str | None = Field(
        None, description="The bucket of S3 that files are kept in; the data directory when empty."
    )
    s3_endpoint: str | None = Field(
        None, description="`https://...` of what speaks as S3 does, as its clients reach it; Amazon's own when empty."
    )
    s3_region: str = Field("us-east-1", description="The region of the bucket.")
    s3_access_key_id: str | None = Field(None, description="The id of the key that the bucket is entered with.")
    s3_secret_access_key: SecretStr | None = Field(None, description="The secret of that key.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="The largest GraphQL request body.")
    operation_timeout: float = Field(
        30.0, gt=0, description="Seconds after which a query, a mutation or the answer to one event is stopped."
    )
    max_concurrent_operations: int = Field(
        1_000, ge=1, description="Queries and mutations that run at the same time in each process."
    )
    max_cost: int = Field(500_000, ge=0, description="What one operation may cost; 0 for no limit.")
    cost_per_minute: int = Field(
        2_000_000,
        ge=0,
        description="What the operations of one caller may cost in a minute, in each process; 0 for no limit.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=lambda: ["127.0.0.1", "::1"],
        description="Networks of proxies, as JSON: their `X-Forwarded-For` tells apart who is not signed in.",
    )
    max_document_bytes: int = Field(100_000, ge=1_000, description="The longest document of an operation.")
    max_tokens: int = Field(4_000, ge=100, description="Tokens of a document.")
    max_fragments: int = Field(100, ge=1, description="Fragments of a document.")
    max_depth: int = Field(30, ge=1, le=50, description="Fields inside each other.")
    max_fields: int = Field(3_000, ge=1, description="Fields of an operation, with its fragments opened.")
    max_root_fields: int = Field(30, ge=1, description="Top-level fields of an operation.")
    max_aliases: int = Field(50, ge=0, description="Aliases of an operation.")
    max_repeats: int = Field(50, ge=1, description="How often one name may stand in one selection.")
    max_directives: int = Field(100, ge=0, description="Directives of a document.")
    max_directives_in_place: int = Field(5, ge=0, description="Directives at one place of a document.")
    max_value_depth: int = Field(100, ge=1, le=200, description="Lists and objects inside each other in a value.")
    max_values: int = Field(100_000, ge=1, description="Values in the variables of a request.")
    cached_documents: int = Field(1_000, ge=1, description="Documents that each process keeps prepared.")
    cached_document_bytes: int = Field(5_000_000, ge=0, description="How long those may be together.")
    cached_document_tokens: int = Field(
        100_000, ge=0, description="How many tokens they may have together; each takes about 500 bytes of memory."
    )
    max_sockets: int = Field(10_000, ge=0, description="WebSockets and HTTP streams of each process.")
    max_sockets_per_principal: int = Field(
        50, ge=1, description="WebSockets and HTTP streams of one principal in each process."
    )
    max_anonymous_sockets: int = Field(
        1_000, ge=1, description="WebSockets and HTTP streams of each process that nobody signed in on."
    )
    max_socket_operations: int = Field(100, ge=1, description="Operations that run at the same time on one WebSocket.")
    max_message_bytes: int = Field(1_048_576, ge=1024, description="The largest message taken from a WebSocket.")
    socket_init_seconds: float = Field(10.0, gt=0, description="How long a WebSocket may wait to say who is calling.")
    socket_ping_seconds: float = Field(
        20.0, gt=0, description="Silence after which a WebSocket is pinged; an HTTP stream shows that it lives before."
    )
    socket_send_seconds: float = Field(
        20.0, gt=0, description="How long a WebSocket or an HTTP stream waits for a slow client."
    )
    subscription_backlog_bytes: int = Field(
        4_194_304, ge=0, description="What may wait for one subscription whose client is slow; 64 KiB it always may."
    )
    backlog_bytes: int = Field(
        67_108_864, ge=0, description="What may wait for all slow subscriptions of a process, beyond 64 KiB for each."
    )
    hsts_seconds: int = Field(
        0, ge=0, description="max-age of `Strict-Transport-Security`; 0 leaves the header to the proxy that ends TLS."
    )
    cors_origins: list[str] = Field(
        default_factory=list, description='Origins of browser apps, as JSON: ["https://app.example.com"].'
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; without one, only callers on the loopback address may read it."
    )
    documents: Path | None = Field(
        None, description="The file of registered documents; `documents.json` in the data directory when empty."
    )
    trusted_documents_only: bool = Field(
        False, description="Whether registered documents are the only ones that run (docs/guides/documents.md)."
    )
    persisted_queries: bool = Field(
        True, description="Whether clients may send a document once, and its hash from then on."
    )
    log_format: str = Field("json", pattern="^(json|console)$", description="`json` or `console`.")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="The least severe level that is logged."
    )
    event_retention_seconds: int = Field(604_800, ge=60, description="How long events can be replayed.")
    presence_seconds: int = Field(
        300, ge=10, le=2_592_000, description="How often a thing reports that has no interval of its own."
    )
    presence_lease_seconds: float = Field(
        30.0, ge=1, description="How long the sockets of a process that has died keep their things connected."
    )
    presence_sweep_seconds: float = Field(5.0, gt=0, description="How often silent things are looked for.")
    scheduler_seconds: float = Field(
        2.0, gt=0, description="How often what is due is looked for: updates that start or end, files to sign."
    )

    @model_validator(mode="after")
    def _enters_its_bucket(self) -> Settings:
        if self.s3_bucket is not None and (self.s3_access_key_id is None or self.s3_secret_access_key is None):
            raise ValueError("s3_bucket needs s3_access_key_id and s3_secret_access_key")
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network, strict=False)
        return networks

    @property
    def default_organization_id(self) -> UUID | None:
        """The key of the default organization."""
        return None if self.default_organization is None else UUID(hex=self.default_organization.removeprefix("org_"))

    @property
    def store_url(self) -> str:
        """The address of the database in use."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'fleet.db').absolute()}"

    @property
    def documents_file(self) -> Path:
        """The file of registered documents in use."""
        return self.documents or self.data_dir / "documents.json"

    @property
    def base_url(self) -> str:
        """The address that signed addresses start with, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
