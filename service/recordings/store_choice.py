"""Which object store a deployment has: S3 where one is configured, otherwise a folder beside the database."""

from service.configuration import Configuration, ConfigurationError
from service.recordings.object_store import FolderObjectStore, ObjectStore
from service.recordings.s3_store import S3ObjectStore, S3Settings


def choose_store(configuration: Configuration) -> ObjectStore:
    """The store the settings ask for; nothing is asked of it yet. Raises ConfigurationError for an unusable address."""
    keys = configuration.s3_keys
    if configuration.s3_endpoint is None or configuration.s3_bucket is None or keys is None:
        return FolderObjectStore(configuration.recording_folder)
    settings = S3Settings(
        endpoint=configuration.s3_endpoint,
        bucket=configuration.s3_bucket,
        access_key_id=keys[0],
        secret_access_key=keys[1],
        region=configuration.s3_region,
        prefix=configuration.s3_prefix,
        path_style=configuration.s3_path_style,
    )
    try:
        return S3ObjectStore(settings)
    except Exception as error:
        raise ConfigurationError("S3_ENDPOINT, S3_BUCKET or S3_REGION cannot be used") from error
