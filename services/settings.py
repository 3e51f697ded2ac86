"""Settings, each from an environment variable `FLEETGRAPH_<NAME>`; the README lists them from here."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
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
    access_token_seconds: int = Field(900, ge=30, le=86400, description="How long an access token is good for.")
    session_seconds: int = Field(2_592_000, ge=60, description="How long a session may be prolonged by refresh tokens.")
    signed_url_seconds: int = Field(
        900, ge=30, le=86400, description="How long an upload or download address is good for."
    )
    max_artifact_bytes: int = Field(1_073_741_824, ge=1, description="The largest artifact that may be uploaded.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="The largest GraphQL request body.")
    max_cost: int = Field(100_000, ge=0, description="What one operation may cost; 0 for no limit.")
    cost_per_minute: int = Field(
        1_000_000,
        ge=0,
        description="What the operations of one caller may cost in a minute, in each process; 0 for no limit.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=lambda: ["127.0.0.1", "::1"],
        description="Networks of proxies, as JSON: their `X-Forwarded-For` tells apart who is not signed in.",
    )
    cors_origins: list[str] = Field(
        default_factory=list, description='Origins of browser apps, as JSON: ["https://app.example.com"].'
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; without one, only callers on the loopback address may read it."
    )
    documents: Path | None = Field(
        None, description="A JSON file of registered documents (id to document) for GET in production."
    )
    log_format: str = Field("json", pattern="^(json|console)$", description="`json` or `console`.")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="The least severe level that is logged."
    )
    event_retention_seconds: int = Field(604_800, ge=60, description="How long events can be replayed.")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network, strict=False)
        return networks

    @property
    def store_url(self) -> str:
        """The address of the database in use."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'fleet.db').absolute()}"

    @property
    def base_url(self) -> str:
        """The address that signed addresses start with, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
