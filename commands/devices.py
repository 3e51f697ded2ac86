"""The door of devices, put together from the parts of a process."""

from __future__ import annotations

from endpoints.devices.routes import DeviceRoutes, DeviceServices
from resolvers.context import Parts
from services.polls import Polls


def make_device_routes(parts: Parts) -> DeviceRoutes:
    """What serves the device protocol in a process."""
    return DeviceRoutes(
        DeviceServices(
            store=parts.store,
            committed=parts.tail.wake,
            sign_ins=parts.sign_ins,
            offers=parts.offers,
            addresses=parts.addresses,
            polls=Polls(parts.store, parts.hearing),
        )
    )
