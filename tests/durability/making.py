"""A process that signs and generates as a gateway does, until it is killed.

`python -m tests.durability.making DATABASE_URL DATA_DIR`; it says `ready` when it begins.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from models.store import StoreSettings, open_store
from services.generations import GenerationDuty
from services.key_vault import KeyVault, load_secret
from services.scheduler import Duty, Scheduler
from services.signing_work import SigningDuty
from services.spool import Spool
from services.storage import LocalStorage
from services.uploads import Files

LOOK_SECONDS: Final = 0.01
CLAIM_SECONDS: Final = 1.5


def _told() -> None:
    """Nobody listens."""


async def main(url: str, data_dir: Path) -> None:
    """Look after both, with claims that are soon over when nobody keeps them up."""
    store = open_store(StoreSettings(url))
    storage, spool = LocalStorage(data_dir / "artifacts"), Spool(data_dir / "incoming")
    files = Files(store, storage, spool, max_bytes=2**30)
    vault = KeyVault.of(load_secret(data_dir))
    duties: list[Duty] = [
        GenerationDuty(store, files, spool, _told, seconds=CLAIM_SECONDS),
        SigningDuty(store, files, storage, spool, vault, _told, seconds=CLAIM_SECONDS),
    ]
    await Scheduler(duties, seconds=LOOK_SECONDS).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
