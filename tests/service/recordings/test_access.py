"""Every address of recordings as everybody: who has no right gets nothing, signed in or not."""

from datetime import timedelta
from typing import Any

import pytest

ALL = {
    "teacher_north", "school_north", "county_north", "prefecture", "system", "researcher_north", "inspector_north",
    "school_south", "county_south", "researcher_south", "inspector_south",
}  # fmt: skip
LEAD_ADMINISTRATORS = {"school_north", "county_north", "prefecture", "system"}


@pytest.fixture
def people(full: Any, rooms: Any) -> Any:
    """Everybody of the county, with people who are as near as can be to having a right."""
    rooms.add_user("far_admin", "school_administrator", "school_south_2")
    rooms.add_user("colleague", "teacher", "school_north_1")
    rooms.add_user("guest", "teacher", "school_south_2")
    rooms.add_user("late_guest", "teacher", "school_south_2")
    return rooms.users


def path(full: Any, rest: str = "") -> str:
    return f"/api/lessons/{full['id']}/recording{rest}"


def names(caller: Any, full: Any) -> list[str] | None:
    """Whose files the caller is shown, each fetched to the byte; None without a right."""
    answer = caller.get(path(full))
    if answer.status_code != 200:
        assert answer.status_code in {401, 404}
        return None
    for stream in answer.json()["streams"]:
        assert caller.get(stream["media_url"], headers={"Range": "bytes=0-9"}).status_code == 206
        assert caller.get(stream["download_url"]).status_code == 200
    return [stream["party_name"] for stream in answer.json()["streams"]]


def every_address(full: Any, streams: list[Any], invitation: str) -> list[tuple[str, str, Any]]:
    """(method, address, body) of all that recordings have to offer."""
    media = [url for stream in streams for url in (stream["media_url"], stream["download_url"])]
    bare = [url.partition("?")[0] for url in media]
    release = path(full, f"/releases/{full['south']}")
    return [
        *(("GET", url, None) for url in [path(full), *media, *bare, path(full, "/handout/media")]),
        *(("HEAD", url, None) for url in [*media, *bare]),
        ("GET", path(full, "/invitations"), None),
        ("POST", path(full, "/invitations"), {"username": "colleague"}),
        ("DELETE", path(full, f"/invitations/{invitation}"), None),
        ("PUT", release, {}),
        ("DELETE", release, None),
        ("PUT", path(full, "/publication"), {"organisation_id": full["lead"]["school"]["id"]}),
        ("DELETE", path(full, "/publication"), None),
        ("POST", path(full, "/retry"), {}),
        ("POST", path(full, "/handout"), {}),
        ("POST", path(full, "/deletion"), {}),
    ]


def test_without_a_right_every_address_gives_nothing(
    full: Any, people: Any, signed_in: Any, anonymous: Any, as_device: Any
) -> None:
    teacher = signed_in("teacher_north")
    streams = teacher.get(path(full)).json()["streams"]
    teacher.post(path(full, "/invitations"), {"username": "late_guest"})
    invitation = teacher.get(path(full, "/invitations")).json()["items"][0]["id"]
    addresses = every_address(full, streams, invitation)
    assert len(addresses) > 20
    strangers = sorted(set(people) - ALL - {"teacher_south", "late_guest"})
    assert {"colleague", "far_admin", "guest"} <= set(strangers)
    for username in strangers:
        caller = signed_in(username)
        for method, address, body in addresses:
            answer = caller.client.request(method, address, json=body)
            assert answer.status_code == 404, (username, method, address)
        assert caller.get("/api/recordings").json()["total"] == 0
    for caller in (anonymous, as_device("south room"), as_device("lead room")):
        for method, address, body in addresses:
            assert caller.client.request(method, address, json=body).status_code == 401, (method, address)
        assert caller.get("/api/recordings").status_code == 401
    assert names(teacher, full) == ["lead room", "south room", "teacher_south"]


def test_those_of_the_lesson_and_above_its_schools_see_all(full: Any, people: Any, signed_in: Any) -> None:
    for username in people:
        shown = names(signed_in(username), full)
        assert shown == (["lead room", "south room", "teacher_south"] if username in ALL else None), username


def test_a_published_lesson_leaves_pupils_rooms_out_until_their_own_school_releases_them(
    full: Any, people: Any, signed_in: Any, county: Any
) -> None:
    prefecture = {"organisation_id": county.organisations["prefecture"].id}
    for username in people:
        answer = signed_in(username).put(path(full, "/publication"), prefecture)
        assert answer.status_code in ({200} if username in LEAD_ADMINISTRATORS else {403, 404}), username
    for username in people:
        shown = names(signed_in(username), full)
        assert shown == (["lead room", "south room", "teacher_south"] if username in ALL else ["lead room"]), username
    release = path(full, f"/releases/{full['south']}")
    for username in people:
        answer = signed_in(username).put(release, {})
        assert answer.status_code == (200 if username == "school_south" else 403), username
    guest = signed_in("guest")
    assert names(guest, full) == ["lead room", "south room"]
    shown_url = guest.get(path(full)).json()["streams"][1]["media_url"]
    assert guest.get(shown_url).status_code == 200
    assert signed_in("teacher_north").client.delete(release).status_code == 403
    assert signed_in("county_south").client.delete(release).status_code == 200
    assert guest.get(shown_url).status_code == 404
    assert names(guest, full) == ["lead room"]
    assert [party["name"] for party in guest.get(path(full)).json()["parties"]] == ["lead room"]
    assert signed_in("county_north").client.delete(path(full, "/publication")).status_code == 200
    assert names(guest, full) is None


def test_a_publication_reaches_its_organisation_and_no_further(
    full: Any, people: Any, signed_in: Any, county: Any
) -> None:
    administrator = signed_in("county_north")
    north = {"organisation_id": county.organisations["county_north"].id}
    assert administrator.put(path(full, "/publication"), north).status_code == 200
    assert names(signed_in("colleague"), full) == ["lead room"]
    assert names(signed_in("guest"), full) is None
    for elsewhere in ("county_south", "school_north_2"):
        other = {"organisation_id": county.organisations[elsewhere].id}
        assert administrator.put(path(full, "/publication"), other).status_code == 422


def test_those_who_publish_are_told_to_whom_they_may(full: Any, people: Any, signed_in: Any) -> None:
    for username in people:
        answer = signed_in(username).get(path(full))
        names_ = [one["name"] for one in answer.json()["audiences"]] if answer.status_code == 200 else []
        expected = ["school_north_1", "county_north", "青禾州"] if username in LEAD_ADMINISTRATORS else []
        assert names_ == expected, username


def test_an_invitation_is_for_one_person_and_ends(full: Any, people: Any, signed_in: Any, clock: Any) -> None:
    teacher = signed_in("teacher_north")
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert teacher.post(path(full, "/invitations"), {"username": "GUEST"}).status_code == 200
    answer = teacher.post(path(full, "/invitations"), {"username": "late_guest", "until": until})
    assert [item["username"] for item in answer.json()["items"]] in (["late_guest", "guest"], ["guest", "late_guest"])
    guest, late = signed_in("guest"), signed_in("late_guest")
    assert names(guest, full) == names(late, full) == ["lead room"]
    assert guest.get("/api/recordings").json()["total"] == 1
    clock.advance(minutes=61)
    assert (names(guest, full), names(late, full)) == (["lead room"], None)
    assert late.get("/api/recordings").json()["total"] == 0
    assert signed_in("researcher_north").get(path(full, "/invitations")).status_code == 403
    invitation = next(item["id"] for item in answer.json()["items"] if item["username"] == "guest")
    assert teacher.client.delete(path(full, f"/invitations/{invitation}")).status_code == 200
    assert names(guest, full) is None
    last = "9999-12-31T23:59:59-14:00"
    for body, status in (
        ({"username": "nobody"}, 404),
        ({"username": "guest", "until": until}, 422),
        ({"username": "guest", "until": last}, 422),
    ):
        assert teacher.post(path(full, "/invitations"), body).status_code == status


def test_the_list_and_the_single_recording_agree_for_everybody(
    full: Any, people: Any, signed_in: Any, county: Any
) -> None:
    signed_in("teacher_north").post(path(full, "/invitations"), {"username": "guest"})
    audience = {"organisation_id": county.organisations["school_north_1"].id}
    assert signed_in("school_north").put(path(full, "/publication"), audience).status_code == 200
    for username in people:
        caller = signed_in(username)
        listed = caller.get("/api/recordings").json()
        single = caller.get(path(full))
        assert listed["total"] == (1 if single.status_code == 200 else 0), username
        if listed["total"]:
            assert listed["items"][0]["streams"] == len(single.json()["streams"]), username


def test_every_sharing_leaves_a_trace(full: Any, people: Any, signed_in: Any, county: Any, parts: Any) -> None:
    from sqlalchemy import select

    from service.usage.tables import UsageRow

    audience = {"organisation_id": county.organisations["prefecture"].id}
    signed_in("county_north").put(path(full, "/publication"), audience)
    signed_in("school_south").put(path(full, f"/releases/{full['south']}"), {})
    signed_in("teacher_north").post(path(full, "/invitations"), {"username": "guest"})
    with parts.database.reading() as session:
        rows = session.scalars(select(UsageRow).where(UsageRow.type.startswith("recording_")).order_by(UsageRow.id))
        kinds = [(row.type, row.user_id) for row in rows]
    users = {name: user.id for name, user in people.items()}
    assert kinds == [
        ("recording_published", users["county_north"]),
        ("recording_released", users["school_south"]),
        ("recording_invited", users["teacher_north"]),
    ]


def test_the_viewers_name_is_given_where_the_policy_wants_it(full: Any, signed_in: Any, county: Any) -> None:
    researcher = signed_in("researcher_south")
    assert researcher.get(path(full)).json()["watermark"] is None
    policy = f"/api/organisations/{county.organisations['county_north'].id}/recording-policy"
    assert signed_in("county_south").put(policy, {"watermark": True}).status_code == 404
    assert signed_in("county_north").put(policy, {"watermark": True}).status_code == 200
    assert researcher.get(path(full)).json()["watermark"] == "researcher_south (researcher_south)"
