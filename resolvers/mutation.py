"""How mutations are made: guarded by what they need, with what the caller can correct as data."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, Final, TypeVar, get_type_hints

import strawberry

from engine.cost import WEIGHT, Weight
from models.enums import Permission
from schema.payload import Payload
from services.errors import FleetError

NEEDS: Final = "needs"
T = TypeVar("T", bound=Payload)
Resolver = Callable[..., Awaitable[T]]


class Needs(Enum):
    """What a root field needs that is no permission in an organization."""

    NOTHING = "nothing"
    SIGN_IN = "signed in, as a person or as a thing"
    PERSON = "signed in as a person"


PUBLIC: Final = Needs.NOTHING
SIGNED_IN: Final = Needs.SIGN_IN
PERSON: Final = Needs.PERSON
HASHING: Final = Weight(200)
"""The weight of mutations that hash or verify a password, which is slow on purpose."""
Need = Needs | Permission


def mutation(need: Need, *, weight: Weight | None = None, **options: Any) -> Callable[[Resolver[T]], Any]:
    """Make a mutation of a method; its docstring is the description.

    `need` is checked before the method runs (see `resolvers.guard`); a permission is then checked by the service on the
    very objects. Errors of services become `userErrors`; the unit of work has undone everything by then. `weight` is
    that of a mutation that costs more than others.
    """

    def decorate(resolver: Resolver[T]) -> Any:
        @functools.wraps(resolver)
        async def answered(*args: Any, **kwargs: Any) -> T:
            try:
                return await resolver(*args, **kwargs)
            except FleetError as error:
                payload: type[T] = get_type_hints(resolver)["return"]
                return payload.failed([error])

        description = " ".join((resolver.__doc__ or "").split("\n\n")[0].split())
        metadata: dict[str, Any] = {NEEDS: need} if weight is None else {NEEDS: need, WEIGHT: weight}
        return strawberry.mutation(resolver=answered, description=description, metadata=metadata, **options)

    return decorate
