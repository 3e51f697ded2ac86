"""What a thing is offered, as the graph shows it."""

from __future__ import annotations

import dataclasses

from engine.resolve import key_in
from resolvers.context import Context
from schema.offer import UpdateOffer
from services.offers import Offer


async def next_update(context: Context, thing_id: str) -> UpdateOffer | None:
    """What a thing would be offered if it asked now; changes nothing. See `Offers.preview`."""
    offer = await context.parts.offers.preview(context.access, key_in("thing", thing_id))
    return None if offer is None else show(context, offer)


def show(context: Context, offer: Offer) -> UpdateOffer:
    """An offer with the address of its file, which people are given only when the job shares the file.

    See rainmaker.ota.job-user-image-access.
    """
    values = {each.name: getattr(offer, each.name) for each in dataclasses.fields(offer)}
    if context.access.thing is None and not offer.for_people:
        return UpdateOffer.over(values | {"download_url": None, "download_expires_at": None})
    address = context.download_of(offer.artifact_id)
    return UpdateOffer.over(values | {"download_url": address.url, "download_expires_at": address.expires_at})
