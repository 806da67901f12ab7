"""The local folder as object store."""

from pathlib import Path

import pytest

from service.recordings.object_store import FolderObjectStore, ObjectNotFoundError


def test_what_is_put_is_read_whole_and_by_range(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 3000)
    store = FolderObjectStore(tmp_path / "store")
    store.put_file("lesson/a.mp4", source)
    assert store.size_bytes("lesson/a.mp4") == 768_000
    assert b"".join(store.read("lesson/a.mp4", 0, 768_000)) == source.read_bytes()
    assert b"".join(store.read("lesson/a.mp4", 250, 260)) == source.read_bytes()[250:260]
    assert [path.name for path in (tmp_path / "store/lesson").iterdir()] == ["a.mp4"]
    store.delete("lesson/a.mp4")
    store.delete("lesson/a.mp4")
    for ask in (store.size_bytes, lambda key: store.read(key, 0, 1)):
        with pytest.raises(ObjectNotFoundError):
            ask("lesson/a.mp4")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".hidden", "a/\0", "a\\..\\b", "é"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        FolderObjectStore(tmp_path).size_bytes(key)
