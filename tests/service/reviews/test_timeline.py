"""The replay's timeline: digests are read once for each file, and given out like the file itself."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from media.contract.digest import StreamDigest, ThumbnailSheet
from service.recordings.privacy_tables import DoomedObject
from service.recordings.tables import RecordingStream
from service.replay.digests import Digests
from service.replay.subprocess_digester import DigestFailedError, SubprocessDigester
from service.replay.tables import RecordingDigest

PICTURE = b"\xff\xd8 not a picture, but bytes \xff\xd9"


class KnownDigester:
    """Finds the same in every file; breaks when told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.broken = False

    def digest(self, file: Path, output_folder: Path, duration_ms: int, *, thumbnails: bool) -> StreamDigest:
        assert file.stat().st_size > 0
        self.calls += 1
        if self.broken:
            raise DigestFailedError("no")
        sheet = None
        if thumbnails:
            (output_folder / "sheet.jpg").write_bytes(PICTURE)
            sheet = ThumbnailSheet(file_name="sheet.jpg", tile_width=160, tile_height=90, columns=10, tiles=[0, 4000])
        return StreamDigest(speech=[(1_000, 1_500), (60_000, 64_000), (70_000, 72_000)], sheet=sheet)


@pytest.fixture
def digester() -> KnownDigester:
    return KnownDigester()


@pytest.fixture
def digests(parts: Any, clock: Any, digester: KnownDigester, tmp_path: Path) -> Digests:
    return Digests(parts.database, clock, parts.object_store, digester, tmp_path / "digesting")


def timeline(caller: Any, lesson: Any) -> Any:
    return caller.get(f"/api/lessons/{lesson['id']}/recording/timeline")


def test_digests_are_read_once_and_tell_who_spoke(taught: Any, digests: Digests, digester: Any, signed_in: Any) -> None:
    researcher = signed_in("researcher_north")
    assert timeline(researcher, taught).json() == {"complete": False, "streams": [], "chapters": []}
    digests.make(taught["id"])
    digests.make(taught["id"])
    digests.make("0" * 32)
    assert digester.calls == 2
    seen = timeline(researcher, taught).json()
    assert seen["complete"] is True
    assert [stream["speech"][1] for stream in seen["streams"]] == [[60_000, 64_000]] * 2
    assert [stream["sheet"] is not None for stream in seen["streams"]] == [True, False]  # of the lead only
    assert seen["chapters"] == [
        {"at_ms": 60_000, "until_ms": 72_000, "type": "room_spoke", "party_name": "south room"}
    ]  # one turn, and what is too short is none


def test_a_sheet_is_given_like_its_file(
    taught: Any, digests: Digests, signed_in: Any, anonymous: Any, clock: Any, parts: Any
) -> None:
    digests.make(taught["id"])
    researcher = signed_in("researcher_north")
    url = timeline(researcher, taught).json()["streams"][0]["sheet"]["url"]
    answer = researcher.get(url)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PICTURE, "image/jpeg")
    assert researcher.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert researcher.get(url.partition("?")[0]).status_code == 403
    assert signed_in("county_north").get(url).status_code == 403  # another session
    assert signed_in("teacher_other").get(url).status_code == 404
    assert anonymous.get(url).status_code == 401
    path, _, signed = url.partition("?")
    streams = timeline(researcher, taught).json()["streams"]
    other = path.replace(streams[0]["stream_id"], streams[1]["stream_id"])
    for wrong in (f"{other}?{signed}", f"{path.replace('/sheet', '/media')}?{signed}"):
        assert researcher.get(wrong).status_code == 403, wrong  # another file, and the same file's other address
    assert timeline(signed_in("teacher_other"), taught).status_code == 404
    assert timeline(anonymous, taught).status_code == 401
    clock.advance(minutes=parts.configuration.media_address_minutes, seconds=1)
    assert researcher.get(url).json()["code"] == "address_expired"


def test_a_file_that_cannot_be_read_is_not_tried_for_ever(
    taught: Any, digests: Digests, digester: Any, signed_in: Any, parts: Any
) -> None:
    digester.broken = True
    digests.make(taught["id"])
    digests.make(taught["id"])
    assert digester.calls == 2
    seen = timeline(signed_in("researcher_north"), taught).json()
    assert (seen["complete"], [stream["speech"] for stream in seen["streams"]]) == (True, [[], []])
    with parts.database.reading() as session:
        assert set(session.scalars(select(RecordingDigest.problem))) == {"DigestFailedError"}


def test_digests_go_with_their_files(taught: Any, digests: Digests, parts: Any) -> None:
    digests.make(taught["id"])
    with parts.database.unit_of_work() as session:
        for stream in session.scalars(select(RecordingStream)):
            session.delete(stream)
    with parts.database.reading() as session:
        assert session.scalars(select(RecordingDigest)).all() == []


def test_deleting_a_recording_dooms_its_sheets_too(taught: Any, digests: Digests, parts: Any, signed_in: Any) -> None:
    digests.make(taught["id"])
    with parts.database.reading() as session:
        keys = {stream.object_key for stream in session.scalars(select(RecordingStream))}
        keys |= {key for key in session.scalars(select(RecordingDigest.sheet_key)) if key}
    answer = signed_in("school_north").post(f"/api/lessons/{taught['id']}/recording/deletion", {"note": "家长要求"})
    assert answer.is_success, answer.text
    with parts.database.reading() as session:
        assert set(session.scalars(select(DoomedObject.object_key))) == keys
    assert len(keys) == 3


def test_the_background_job_finds_what_waits(
    taught: Any, parts: Any, digester: Any, new_client: Any, signed_in: Any, wait_until: Any
) -> None:
    parts.digests._digester = digester
    with new_client():
        wait_until(lambda: timeline(signed_in("researcher_north"), taught).json()["complete"])


def test_the_subprocess_gives_the_digesters_own_refusal(tmp_path: Path) -> None:
    from media.recorder.digest import FileDigester

    (tmp_path / "broken.webm").write_bytes(b"nonsense")
    digester = SubprocessDigester(FileDigester())
    with pytest.raises(DigestFailedError, match="the file cannot be read"):
        digester.digest(tmp_path / "broken.webm", tmp_path, 1_000, thumbnails=False)
    digester.stop()
    with pytest.raises(DigestFailedError, match="the service stops"):
        digester.digest(tmp_path / "broken.webm", tmp_path, 1_000, thumbnails=False)
