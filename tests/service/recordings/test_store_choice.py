"""Which store the settings lead to, and settings that lead to none."""

from pathlib import Path

import pytest

from service.configuration import ConfigurationError, load_configuration
from service.recordings.object_store import FolderObjectStore
from service.recordings.s3_store import S3ObjectStore
from service.recordings.store_choice import choose_store

WHOLE = {
    "S3_ENDPOINT": "http://127.0.0.1:9000",
    "S3_BUCKET": "lessons",
    "S3_ACCESS_KEY_ID": "someone",
    "S3_SECRET_ACCESS_KEY": "something secret",
}


def set_all(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for key, value in settings.items():
        monkeypatch.setenv(f"THREE_CLASSROOMS_{key}", value)


def test_without_settings_recordings_lie_in_the_data_folder(tmp_path: Path) -> None:
    assert isinstance(choose_store(load_configuration(data_folder=tmp_path)), FolderObjectStore)


def test_with_an_endpoint_bucket_and_keys_they_lie_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, WHOLE)
    configuration = load_configuration()
    assert isinstance(choose_store(configuration), S3ObjectStore)
    assert "something secret" not in repr(configuration)


def test_keys_may_come_from_mounted_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("someone\n")
    (tmp_path / "secret").write_text("something secret\n")
    files = {"S3_ACCESS_KEY_ID_FILE": str(tmp_path / "id"), "S3_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret")}
    set_all(monkeypatch, {key: WHOLE[key] for key in ("S3_ENDPOINT", "S3_BUCKET")} | files)
    configuration = load_configuration()
    assert configuration.s3_keys == ("someone", "something secret")
    assert isinstance(choose_store(configuration), S3ObjectStore)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_half_a_store_is_refused(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    set_all(monkeypatch, {key: value for key, value in WHOLE.items() if key != missing})
    with pytest.raises(ConfigurationError, match="S3_ENDPOINT"):
        load_configuration()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (WHOLE | {"S3_ENDPOINT": "s3.example.cn"}, "https://"),
        (WHOLE | {"S3_ACCESS_KEY_ID_FILE": "/not/there"}, "cannot be read"),
        ({"RECORDING_ROOM_SOUND_FREE_MB": "100000"}, "must fall"),
        ({"RECORDING_ALL_FREE_MB": "-1"}, "recording_all_free_mb"),
    ],
)
def test_unusable_settings_are_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    set_all(monkeypatch, settings)
    with pytest.raises(ConfigurationError, match=words):
        load_configuration()
