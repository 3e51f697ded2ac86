"""What the scheduler of a gateway looks after."""

from __future__ import annotations

from resolvers.context import Parts
from resolvers.ota_targets import compile_target
from services import beginnings
from services.abandoned_uploads import AbandonedUploads
from services.expiries import Expiries
from services.generations import GenerationDuty
from services.job_starts import JobStarts
from services.joins import JoinDuty
from services.leftovers import Leftovers
from services.scheduler import Scheduler
from services.signing_work import SealingDuty, SigningDuty
from services.thing_tokens import ExpiredTokens


def make_scheduler(parts: Parts) -> Scheduler:
    """The scheduler of a process with all its duties."""
    store, committed = parts.store, parts.tail.wake
    return Scheduler(
        [
            JobStarts(store, committed, beginnings.begin),
            Expiries(store, committed),
            JoinDuty(store, committed, compile_target),
            parts.hearing,
            GenerationDuty(store, parts.files, parts.spool, committed),
            SigningDuty(store, parts.files, parts.storage, parts.spool, parts.vault, committed),
        ],
        [
            Leftovers(store, committed),
            SealingDuty(store, parts.vault),
            ExpiredTokens(store, committed),
            AbandonedUploads(store, parts.storage, parts.spool),
        ],
        seconds=parts.settings.scheduler_seconds,
    )
