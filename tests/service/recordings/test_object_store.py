"""One contract for every object store: the local folder, and S3 as spoken by a server process of its own."""

import hashlib
import resource
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from running_product import free_tcp_port

from service.recordings.object_store import FolderObjectStore, ObjectNotFoundError, ObjectStore, StoreUnavailableError
from service.recordings.s3_store import PART_BYTES, S3ObjectStore, S3Settings

BUCKETS = count(1)
START_DEADLINE_S = 30


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    port = free_tcp_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(START_DEADLINE_S * 20):
            try:
                urllib.request.urlopen(url, timeout=1).close()
            except urllib.error.HTTPError:
                break
            except OSError:
                with pytest.raises(subprocess.TimeoutExpired):
                    server.wait(0.05)
            else:
                break
        yield url
    finally:
        server.kill()
        server.wait()


def settings_for(url: str, bucket: str) -> S3Settings:
    return S3Settings(url, bucket, "someone", "something secret", prefix="county/recordings")


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderObjectStore(tmp_path / "store")
    url, bucket = request.getfixturevalue("s3_url"), f"bucket-{next(BUCKETS)}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/{bucket}", method="PUT"), timeout=10).close()
    return S3ObjectStore(settings_for(url, bucket))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(bytes(range(256)) * 3000)
    return path


def test_what_is_put_is_read_whole_and_by_range(store: ObjectStore, source: Path) -> None:
    store.put_file("lesson/a.mp4", source)
    content = source.read_bytes()
    assert store.size_bytes("lesson/a.mp4") == 768_000
    assert b"".join(store.read("lesson/a.mp4", 0, 768_000)) == content
    assert b"".join(store.read("lesson/a.mp4", 250, 260)) == content[250:260]
    assert b"".join(store.read("lesson/a.mp4", 767_999, 768_000)) == content[-1:]


def test_what_is_put_again_replaces_what_was_there(store: ObjectStore, source: Path) -> None:
    store.put_file("lesson/a.mp4", source)
    source.write_bytes(b"another")
    store.put_file("lesson/a.mp4", source)
    assert b"".join(store.read("lesson/a.mp4", 0, store.size_bytes("lesson/a.mp4"))) == b"another"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: ObjectStore, source: Path) -> None:
    store.put_file("lesson/a.mp4", source)
    store.put_file("lesson/b.mp4", source)
    store.delete("lesson/a.mp4")
    store.delete("lesson/a.mp4")
    for ask in (store.size_bytes, lambda key: store.read(key, 0, 1)):
        with pytest.raises(ObjectNotFoundError):
            ask("lesson/a.mp4")
    assert store.size_bytes("lesson/b.mp4") == 768_000


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".hidden", "a/\0", "a\\..\\b", "é"])
def test_a_key_never_leaves_its_place(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        store.size_bytes(key)


def test_a_large_file_goes_in_parts_and_comes_back_without_being_whole_in_memory(
    store: ObjectStore, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    size = 12 * PART_BYTES + 17
    with large.open("wb") as file:
        file.truncate(size)
        file.seek(size - 5)
        file.write(b"end..")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.put_file("lesson/large.mp4", large)
    assert store.size_bytes("lesson/large.mp4") == size
    digest, chunks = hashlib.sha256(), 0
    for chunk in store.read("lesson/large.mp4", 0, size):
        digest.update(chunk)
        chunks += 1
    assert chunks > 50
    with large.open("rb") as file:
        assert digest.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < size * 0.7


def test_nothing_is_left_of_an_interrupted_copy_into_the_folder(source: Path, tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path / "store")
    store.put_file("lesson/a.mp4", source)
    assert [path.name for path in (tmp_path / "store/lesson").iterdir()] == ["a.mp4"]


def test_a_store_that_is_away_or_has_no_such_bucket_says_so(
    s3_url: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.recordings.s3_store.RETRY_FOR", timedelta(0))
    away = S3ObjectStore(settings_for(f"http://127.0.0.1:{free_tcp_port()}", "bucket"))
    for ask in (
        lambda: away.put_file("a", source),
        lambda: away.size_bytes("a"),
        lambda: away.read("a", 0, 1),
        lambda: away.delete("a"),
        lambda: S3ObjectStore(settings_for(s3_url, "no-such-bucket")).put_file("a", source),
    ):
        with pytest.raises((StoreUnavailableError, ObjectNotFoundError)):
            ask()
    assert "something secret" not in repr(settings_for(s3_url, "b"))
