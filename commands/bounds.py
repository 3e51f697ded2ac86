"""What the settings of an operator mean for the engine and for the endpoints."""

from __future__ import annotations

from endpoints.settings import CostSettings, DocumentSettings, EndpointSettings, SocketSettings
from engine.limits import Limits
from services.settings import Profile, Settings


def limits(settings: Settings) -> Limits:
    """What one operation may ask for."""
    return Limits(
        document_bytes=settings.max_document_bytes,
        tokens=settings.max_tokens,
        fragments=settings.max_fragments,
        depth=settings.max_depth,
        fields=settings.max_fields,
        root_fields=settings.max_root_fields,
        aliases=settings.max_aliases,
        repeats=settings.max_repeats,
        directives=settings.max_directives,
        directives_in_place=settings.max_directives_in_place,
        value_depth=settings.max_value_depth,
        values=settings.max_values,
        seconds=settings.operation_timeout,
        cached_documents=settings.cached_documents,
        cached_bytes=settings.cached_document_bytes,
        cached_tokens=settings.cached_document_tokens,
    )


def endpoint_settings(settings: Settings) -> EndpointSettings:
    """How the endpoints behave."""
    return EndpointSettings(
        production=settings.profile is Profile.PRODUCTION,
        allowed_origins=tuple(settings.cors_origins),
        body_bytes=settings.max_body_bytes,
        concurrent_operations=settings.max_concurrent_operations,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        hsts_seconds=settings.hsts_seconds,
        sockets=SocketSettings(
            init_seconds=settings.socket_init_seconds,
            ping_seconds=settings.socket_ping_seconds,
            send_seconds=settings.socket_send_seconds,
            message_bytes=settings.max_message_bytes,
            operations=settings.max_socket_operations,
            sockets_per_principal=settings.max_sockets_per_principal,
            sockets=settings.max_sockets,
            anonymous_sockets=settings.max_anonymous_sockets,
        ),
        documents=DocumentSettings(
            persisted_queries=settings.persisted_queries,
            trusted_only=settings.trusted_documents_only,
        ),
        costs=CostSettings(
            per_operation=settings.max_cost,
            per_minute=settings.cost_per_minute,
            trusted_proxies=tuple(settings.trusted_proxies),
        ),
    )
