"""Files of recordings: by range, to those entitled and nobody else, each view written down."""

from typing import Any

import pytest
from sqlalchemy import select

from service.usage.tables import UsageRow

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def teacher(signed_in: Any) -> Any:
    """The lead teacher in one browser: an address is good in the browser it was given to."""
    return signed_in("teacher_north")


@pytest.fixture
def address(ready: Any, teacher: Any) -> str:
    return address_for(teacher, ready)


def address_for(caller: Any, lesson: Any) -> str:
    """The address this caller's own session is given, empty if none."""
    answer = caller.get(f"/api/lessons/{lesson['id']}/recording")
    return str(answer.json()["streams"][0]["media_url"]) if answer.status_code == 200 else ""


def test_a_file_is_given_whole_and_by_range(teacher: Any, address: str) -> None:
    whole = teacher.get(address)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["cache-control"] == "private, no-cache"
    assert whole.headers["content-type"] == "video/mp4"
    part = teacher.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, CONTENT[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(CONTENT)}"
    assert part.headers["content-length"] == "100"
    assert teacher.get(address, headers={"Range": "bytes=-10"}).content == CONTENT[-10:]
    beyond = teacher.get(address, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    assert teacher.get(address, headers={"Range": "bytes=5-1,2"}).status_code == 200
    etag = whole.headers["etag"]
    assert teacher.get(address, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert teacher.get(address, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    assert teacher.get(address, headers={"If-None-Match": etag}).status_code == 304
    head = teacher.client.head(address)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(CONTENT)), b"")
    download = teacher.get(f"{address}&download=1")
    assert download.headers["content-disposition"].startswith('attachment; filename="recording.mp4"; filename*=UTF-8')


def test_only_those_entitled_get_anything(signed_in: Any, address: str, rooms: Any, ready: Any, anonymous: Any) -> None:
    rooms.add_user("far_admin", "school_administrator", "school_south_2")
    rooms.add_user("colleague", "teacher", "school_north_1")
    entitled = {
        "teacher_north", "school_north", "county_north", "prefecture", "system", "researcher_north", "inspector_north",
        "school_south", "county_south", "researcher_south", "inspector_south",
    }  # fmt: skip
    for username in (*rooms.users,):
        caller = signed_in(username)
        wanted = 200 if username in entitled else 404
        own = address_for(caller, ready) or address
        assert caller.get(own).status_code == wanted, username
        assert caller.client.head(own).status_code == wanted, username
        assert caller.get(f"/api/lessons/{ready['id']}/recording").status_code == wanted, username
        listed = caller.get("/api/recordings").json()["total"]
        assert listed == (1 if username in entitled else 0), username
    assert anonymous.get(address).status_code == 401
    assert anonymous.client.head(address).status_code == 401


def test_a_rooms_device_gets_no_recording(as_device: Any, address: str, ready: Any) -> None:
    device = as_device("south room")
    assert device.get(address).status_code == 401
    assert device.get(f"/api/lessons/{ready['id']}/recording").status_code == 401


def test_unknown_files_are_not_found(signed_in: Any, ready: Any) -> None:
    teacher = signed_in("teacher_north")
    for stream_id in ("0" * 32, "x", "%2e%2e%2f", "%00"):
        assert teacher.get(f"/api/recordings/streams/{stream_id}/media").status_code == 404, stream_id


def test_an_address_is_good_for_one_session_one_file_and_a_while(
    signed_in: Any, teacher: Any, address: str, clock: Any, parts: Any
) -> None:
    path, _, signed = address.partition("?")
    until = int(signed.partition("&")[0].removeprefix("until="))
    for wrong in (
        path,
        f"{path}?{signed.replace(f'until={until}', f'until={until + 3600}')}",
        f"{path}?until={until}&signature=",
        f"{path}?until={until}&signature=%C3%A9",
        f"{path}?until={until}",
    ):
        answer = teacher.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "address_expired"), wrong
        assert teacher.client.head(wrong).status_code == 403
    assert signed_in("teacher_north").get(address).json()["code"] == "address_expired"
    assert teacher.get(f"{path.replace('/media', '/sheet')}?{signed}").status_code == 403
    assert teacher.get(address).status_code == 200
    clock.advance(minutes=parts.configuration.media_address_minutes, seconds=1)
    assert teacher.get(address).json()["code"] == "address_expired"


def test_a_file_gone_from_the_store_is_not_found(teacher: Any, address: str, parts: Any) -> None:
    for file in parts.configuration.recording_folder.rglob("*.mp4"):
        file.unlink()
    answer = teacher.get(address)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_gone")


def test_views_are_written_down_once_a_minute(teacher: Any, address: str, parts: Any, clock: Any) -> None:
    for start in (0, 100, 200):
        teacher.get(address, headers={"Range": f"bytes={start}-{start + 9}"})
    teacher.get(f"{address}&download=1")
    clock.advance(minutes=2)
    teacher.get(address)
    with parts.database.reading() as session:
        rows = session.scalars(select(UsageRow).where(UsageRow.type.startswith("recording_")).order_by(UsageRow.id))
        kinds = [row.type for row in rows]
    assert kinds == ["recording_opened", "recording_viewed", "recording_downloaded", "recording_viewed"]


def test_recordings_are_searched(signed_in: Any, ready: Any) -> None:
    teacher = signed_in("researcher_north")
    for query, count in (
        ("?q=分数", 1), ("?q=TEACHER_NORTH", 1), ("?q=school_north_1", 1), ("?q=%25", 0), ("?q=nothing", 0),
        ("?subject=mathematics", 1), ("?subject=art", 0), ("?from=2026-09-08", 0), ("?to=2026-09-07", 1),
    ):  # fmt: skip
        assert teacher.get(f"/api/recordings{query}").json()["total"] == count, query
