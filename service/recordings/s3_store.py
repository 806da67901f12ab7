"""Finished recordings in any S3-compatible store, streamed both ways: no file is ever whole in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from service.recordings.object_store import CHUNK_BYTES, ObjectNotFoundError, StoreUnavailableError, checked_key

if TYPE_CHECKING:
    from obstore import BytesStream  # known to the type checker only

# obstore turns some answers into Python's own errors, such as FileNotFoundError for a bucket that is not there.
FAULTS = (BaseError, OSError)
MISSING = (NotFoundError, FileNotFoundError)
PART_BYTES = 8 << 20
PARTS_AT_ONCE = 2
CONNECT_TIMEOUT = timedelta(seconds=5)
ANSWER_TIMEOUT = timedelta(seconds=60)
RETRY_FOR = timedelta(seconds=20)


@dataclass(frozen=True)
class S3Settings:
    """Where the bucket is and who we are there; `prefix` is put before every key."""

    endpoint: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str | None = None
    path_style: bool = True


class S3ObjectStore:
    """An ObjectStore over S3. Every call raises StoreUnavailableError when the store does not do what it should."""

    def __init__(self, settings: S3Settings) -> None:
        self._store = S3Store(
            settings.bucket,
            prefix=settings.prefix,
            endpoint=settings.endpoint,
            region=settings.region,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            virtual_hosted_style_request=not settings.path_style,
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "connect_timeout": CONNECT_TIMEOUT,
                "timeout": ANSWER_TIMEOUT,
            },
            retry_config={"max_retries": 4, "retry_timeout": RETRY_FOR},
        )

    def put_file(self, key: str, source: Path) -> None:
        """Upload in parts; the object appears whole when the last part is there, or not at all."""
        with source.open("rb") as file:
            try:
                obstore.put(self._store, checked_key(key), file, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
            except FAULTS as error:
                raise StoreUnavailableError("the object store did not take a file") from error

    def size_bytes(self, key: str) -> int:
        """Give the object's size. Raises ObjectNotFoundError."""
        try:
            return obstore.head(self._store, checked_key(key))["size"]
        except MISSING as error:
            raise ObjectNotFoundError(key) from error
        except FAULTS as error:
            raise StoreUnavailableError("the object store does not answer") from error

    def read(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """Give the bytes [start, stop) in chunks as they come; the store is asked now, not at the first chunk."""
        if stop <= start:
            return iter(())
        try:
            answer = obstore.get(self._store, checked_key(key), options={"range": (start, stop)})
        except MISSING as error:
            raise ObjectNotFoundError(key) from error
        except FAULTS as error:
            raise StoreUnavailableError("the object store does not answer") from error
        return _chunks(answer.stream(min_chunk_size=CHUNK_BYTES))

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        try:
            obstore.delete(self._store, checked_key(key))
        except MISSING:
            return
        except FAULTS as error:
            raise StoreUnavailableError("the object store did not delete a file") from error


def _chunks(stream: "BytesStream") -> Iterator[bytes]:
    try:
        for chunk in stream:
            yield bytes(chunk)
    except FAULTS as error:
        raise StoreUnavailableError("the object store broke off") from error
