"""Every address of recordings, replay, reviews and sample lessons, with things that exist, as those without a right.

The addresses are read off the API's own document: one that is added is tried too, or fails here for want of a body.
"""

from typing import Any

import pytest

AREAS = ("recording", "recordings", "watched", "notes", "critiques", "reviewers", "comparisons", "samples", "library",
         "rubrics", "observations")  # fmt: skip
OWN_LISTS = {
    "GET /api/recordings", "GET /api/recordings/notices", "GET /api/recordings/deletions", "GET /api/critiques",
    "GET /api/comparisons", "GET /api/samples", "GET /api/library", "GET /api/observations/people",
}  # fmt: skip
"""Lists of what one may see: open to those who see nothing, and empty for them."""
OF_ONESELF = {"GET /api/observations", "GET /api/samples/figures", "GET /api/rubrics", "POST /api/rubrics"}
"""What everybody of a role has of their own; that nothing of others is in it is tried beside their rules."""
STRANGERS = ("teacher_other", "teacher_south", "school_other", "far_admin", "far_researcher", "guest")

BELOW = {"teacher_other", "school_other"}


@pytest.fixture
def things(taught: Any, teach: Any, people: Any, signed_in: Any, new_note_id: Any, parts: Any, hand_in: Any) -> Any:
    """One of everything about a recorded lesson, none of it for the strangers."""
    people.add_user("far_admin", "school_administrator", "school_south_2")
    people.add_user("far_researcher", "researcher", "school_south_2")
    people.add_user("guest", "teacher", "school_south_2")
    other = teach("分数的意义（二）")
    researcher, county = signed_in("researcher_north"), signed_in("county_north")
    lesson, identity = f"/api/lessons/{taught['id']}", new_note_id()
    note = {"text": "只给自己看", "at_ms": 1_000}
    assert researcher.put(f"{lesson}/notes/{identity}", note).status_code == 200
    both = [taught["id"], other["id"]]
    comparison = researcher.post("/api/comparisons", {"title": "同课异构", "lesson_ids": both}).json()
    sample = signed_in("teacher_north").post("/api/samples", {"lesson_id": taught["id"]}).json()
    reviewers = [people.users["researcher_two"].id]
    review = {"rubric_id": "classroom", "reviewer_ids": reviewers}
    critique = researcher.post("/api/critiques", review | {"title": "听评课", "lesson_ids": [taught["id"]]}).json()
    sheet = hand_in(critique, "researcher_two")["sheets"][0]
    criteria = [{"id": "goals", "title": "目标", "points": 10}]
    rubric = county.post("/api/rubrics", {"name": "本县量表", "criteria": criteria}).json()
    streams = researcher.get(f"{lesson}/recording").json()["streams"]
    invited = signed_in("teacher_north").post(f"{lesson}/recording/invitations", {"username": "teacher_north"})
    return {
        "lesson_id": taught["id"], "note_id": identity, "comparison_id": comparison["id"], "sample_id": sample["id"],
        "critique_id": critique["id"], "sheet_id": sheet["id"], "rubric_id": rubric["id"],
        "stream_id": streams[1]["id"], "signed": streams[1]["media_url"], "file_name": "a.webm",
        "invitation_id": invited.json()["items"][0]["id"], "party_id": "room:room", "reviewers": reviewers,
        "organisation_id": people.organisations["county_north"].id, "criteria": criteria,
    }  # fmt: skip


def bodies(things: Any) -> dict[str, Any]:
    """What the addresses ask for, so that only the right decides."""
    lesson, review = things["lesson_id"], {"rubric_id": "classroom", "reviewer_ids": things["reviewers"]}
    rubric = {"name": "量表", "criteria": things["criteria"]}
    return {
        "POST /api/lessons/{lesson_id}/watched": {"parts": [[0, 1000]]},
        "PUT /api/lessons/{lesson_id}/notes/{note_id}": {"text": "别人的", "at_ms": 0},
        "PUT /api/lessons/{lesson_id}/recording/publication": {"organisation_id": things["organisation_id"]},
        "POST /api/lessons/{lesson_id}/recording/invitations": {"username": "guest"},
        "POST /api/critiques": review | {"title": "评课", "lesson_ids": [lesson]},
        "POST /api/critiques/{critique_id}/sheets/{sheet_id}/replies": {"text": "回复"},
        "POST /api/comparisons": {"title": "对比", "lesson_ids": [lesson, "0" * 32]},
        "POST /api/samples": {"lesson_id": lesson},
        "POST /api/samples/{sample_id}/review": review,
        "POST /api/samples/{sample_id}/decision": {"outcome": "selected"},
        "PUT /api/rubrics/{rubric_id}": rubric,
        "POST /api/rubrics": rubric,
    }


def addresses(caller: Any) -> list[str]:
    document = caller.get("/api/openapi.json").json()
    return [
        f"{method.upper()} {path}"
        for path, ways in document["paths"].items()
        for method in ways
        if any(part.partition(".")[0] in AREAS for part in path.split("/"))
    ]


def ask(caller: Any, address: str, things: Any) -> Any:
    method, _, path = address.partition(" ")
    query = f"?lesson_id={things['lesson_id']}" if path == "/api/reviewers" else ""
    body = bodies(things).get(address, None if method in {"GET", "DELETE"} else {})
    return caller.client.request(method, path.format(**things) + query, json=body)


def test_those_without_a_right_get_nothing_of_anything(things: Any, signed_in: Any) -> None:
    tried = addresses(signed_in("system"))
    assert len(tried) > 50
    for name in STRANGERS:
        caller = signed_in(name)
        for address in tried:
            answer = ask(caller, address, things)
            if address in OF_ONESELF:
                # Those of the same county use its rubric; changing it is refused above.
                assert things["rubric_id"] not in answer.text or name in BELOW, (name, address)
            elif address in OWN_LISTS and answer.status_code == 200:
                assert things["lesson_id"] not in answer.text, (name, address)
                assert answer.json()["total"] == (1 if answer.json()["items"] else 0), (name, address)
            else:
                assert answer.status_code in {403, 404}, (name, address, answer.status_code)
        # An address that leaked opens nothing either.
        assert caller.get(things["signed"]).status_code == 404, name


def test_those_who_are_not_signed_in_and_rooms_get_nothing(things: Any, anonymous: Any, as_device: Any) -> None:
    for caller in (anonymous, as_device("lead room"), as_device("south room")):
        for address in addresses(anonymous):
            assert ask(caller, address, things).status_code == 401, address
        assert caller.get(things["signed"]).status_code == 401


def test_nothing_was_changed_by_those_without_a_right(things: Any, signed_in: Any) -> None:
    researcher = signed_in("researcher_north")
    before = [researcher.get(f"/api/{kind}").json() for kind in ("comparisons", "critiques", "samples", "rubrics")]
    for name in STRANGERS:
        caller = signed_in(name)
        for address in addresses(researcher):
            if not address.startswith("GET") and address not in OF_ONESELF:
                ask(caller, address, things)
    after = [researcher.get(f"/api/{kind}").json() for kind in ("comparisons", "critiques", "samples", "rubrics")]
    assert before == after
    notes = researcher.get(f"/api/lessons/{things['lesson_id']}/notes").json()["items"]
    assert [note["text"] for note in notes] == ["只给自己看"]
