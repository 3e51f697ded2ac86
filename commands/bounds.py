"""What the settings of an operator mean for the engine and for the endpoints."""

from __future__ import annotations

from endpoints.settings import CostSettings, EndpointSettings
from services.settings import Profile, Settings


def endpoint_settings(settings: Settings) -> EndpointSettings:
    """How the endpoints behave."""
    return EndpointSettings(
        production=settings.profile is Profile.PRODUCTION,
        allowed_origins=tuple(settings.cors_origins),
        body_bytes=settings.max_body_bytes,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        costs=CostSettings(
            per_operation=settings.max_cost,
            per_minute=settings.cost_per_minute,
            trusted_proxies=tuple(settings.trusted_proxies),
        ),
    )
