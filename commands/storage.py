"""Where files are kept, as the settings say."""

from __future__ import annotations

from services.s3_storage import Bucket, S3Storage
from services.settings import Settings
from services.spool import Spool
from services.storage import LocalStorage, Storage


def open_storage(settings: Settings, spool: Spool) -> Storage:
    """A bucket where one is set, and the data directory otherwise; nothing is asked of either yet."""
    if settings.s3_bucket is None or settings.s3_access_key_id is None or settings.s3_secret_access_key is None:
        return LocalStorage(settings.data_dir / "artifacts")
    bucket = Bucket(
        name=settings.s3_bucket,
        region=settings.s3_region,
        key_id=settings.s3_access_key_id,
        secret=settings.s3_secret_access_key.get_secret_value(),
        endpoint=settings.s3_endpoint,
    )
    return S3Storage(bucket, spool)
