"""Who may use which address of the API: the whole list, read by tests/service/security/test_permission_matrix.py.

What addresses name belongs to the first school of the county north, where `teacher_north` leads and `school_north`
administers; a room of the first school of the county south takes part. `*_other` are people of each county's second
school, which has no part in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DEVICES = frozenset({"device_lead", "device_far"})
TEACHERS = frozenset({"teacher_north", "teacher_south", "teacher_north_other", "teacher_south_other"})
SCHOOLS = frozenset({"school_north", "school_south", "school_north_other", "school_south_other"})
COUNTIES = frozenset({"county_north", "county_south"})
RESEARCHERS = frozenset({"researcher_north", "researcher_south"})
INSPECTORS = frozenset({"inspector_north", "inspector_south"})
TOP = frozenset({"prefecture", "system"})

PEOPLE = TEACHERS | SCHOOLS | COUNTIES | RESEARCHERS | INSPECTORS | TOP
EVERYBODY = PEOPLE | DEVICES | {"anonymous"}
ADMINISTRATORS = SCHOOLS | COUNTIES | TOP
PLANNERS = COUNTIES | TOP
"Those who administer more than one school."
BOOKERS = ADMINISTRATORS | TEACHERS
COUNTY_LINE = frozenset({"county_north"}) | TOP
SCHOOL_LINE = COUNTY_LINE | {"school_north"}
"The administrators above the first school of the county north."
OBSERVERS_NORTH = frozenset({"researcher_north", "inspector_north"})
RECEIVING_LINE = frozenset({"school_south", "county_south"}) | TOP
"The administrators above the receiving room."
SCHOOL_NORTH = SCHOOL_LINE | OBSERVERS_NORTH | {"teacher_north"}
"Everybody whose subtree holds the first school of the county north."
LEADING = SCHOOL_LINE | {"teacher_north"}
"Those who decide about the lesson."
TAKING_PART = SCHOOL_NORTH | RECEIVING_LINE | {"teacher_south", "researcher_south", "inspector_south"}
"Everybody whose subtree holds a room of the lesson."

MAY_REPLAY = TAKING_PART - {"teacher_south"}
"Not every teacher of a receiving school: those who accompany the class."

CALLERS = tuple(sorted(EVERYBODY))

REFUSALS = frozenset({401, 403})

Things = dict[str, Any]


def _no_things(_things: Things) -> Things:
    return {}


@dataclass(frozen=True)
class Address:
    """Who is let in, and how to ask so that only the caller's right decides."""

    open_to: frozenset[str]
    body: Callable[[Things], Any] | None = None
    query: str = ""
    form: Mapping[str, str] | None = None
    kind: str = "teacher"
    things: Callable[[Things], Things] = _no_things
    "What the path names, where it is not the thing of that name."
    refusals: frozenset[int] = REFUSALS
    "Statuses that mean no; 404 does, too, where the thing named exists."
    made_up: bool = False
    "The thing named does not exist: whoever is let in gets 404."


def made_up(open_to: frozenset[str], body: Callable[[Things], Any] | None = None, **names: str) -> Address:
    """An address whose things are cheap to name and costly to make: the right is checked before they are looked for."""
    return Address(open_to, body, things=lambda _things: dict(names), made_up=True)


def _nothing(_things: Things) -> Any:
    return {}


def _held(things: Things) -> Things:
    return {"lesson_id": things["held_lesson"]}


def _lead_party(things: Things) -> Things:
    return {"lesson_id": things["held_lesson"], "party_id": "room:lead"}


NOTHING = "0" * 32
"""An id of the right form that nothing has."""
RUBRIC = {"name": "rubric", "criteria": [{"id": "goals", "title": "goals", "points": 10}]}

MATRIX: dict[str, Address] = {
    # Open to the world
    "GET /api/health": Address(EVERYBODY),
    "GET /api/settings": Address(EVERYBODY),
    "POST /api/session": Address(
        frozenset(), lambda _: {"username": "teacher_north", "password": "wrong password"}, refusals=REFUSALS | {429}
    ),
    "POST /api/setup": Address(
        EVERYBODY,  # answered 409, because the first administrator exists
        lambda _: {
            "token": "x",
            "username": "mallory",
            "password": "a long password",
            "display_name": "M",
            "organisation_name": "O",
        },
    ),
    "POST /api/device/pairing": Address(EVERYBODY, _nothing),
    "POST /api/device/pairing/{pairing_id}": Address(EVERYBODY, lambda t: {"secret": t["pairing_secret"]}),
    # Tests of connections: whoever takes part in lessons
    "POST /api/connection-reports": Address(
        PEOPLE | DEVICES,
        lambda _: {
            "receives": "full",
            "sends": "small",
            "facts": {
                "socket": {"works": True, "round_trip_ms": 20},
                "paths": [{"kind": "direct", "url": None, "works": True, "connect_ms": 80}],
                "media": None,
                "camera": "on",
                "microphone": "refused",
                "codecs": ["VP8", "opus"],
                "browser": "",
            },
        },
    ),
    "GET /api/connection-reports": Address(ADMINISTRATORS),
    "GET /api/audit": Address(ADMINISTRATORS),
    # One's own account
    "GET /api/session": Address(PEOPLE),
    "DELETE /api/session": Address(PEOPLE),
    "PATCH /api/account": Address(PEOPLE, lambda _: {"locale": "en"}),
    "POST /api/account/password": Address(
        PEOPLE, lambda _: {"current": "correct horse battery", "new": "another good password"}
    ),
    # Words for forms
    "GET /api/subjects": Address(PEOPLE | DEVICES),
    "GET /api/grades": Address(PEOPLE | DEVICES),
    # People and organisations
    "GET /api/users": Address(ADMINISTRATORS),
    "POST /api/users": Address(
        SCHOOL_LINE,
        lambda t: {
            "username": "newcomer",
            "password": "a long password",
            "display_name": "N",
            "role": "teacher",
            "organisation_id": t["organisation_id"],
        },
    ),
    "GET /api/users/{user_id}": Address(SCHOOL_LINE),
    "PATCH /api/users/{user_id}": Address(SCHOOL_LINE, lambda _: {"display_name": "N"}),
    "POST /api/users/{user_id}/password": Address(SCHOOL_LINE, lambda _: {"password": "a long password"}),
    "POST /api/users/passwords": Address(ADMINISTRATORS, _nothing),
    "GET /api/teachers": Address(BOOKERS),
    "GET /api/organisations": Address(PEOPLE),
    "POST /api/organisations": Address(
        COUNTY_LINE, lambda t: {"parent_id": t["county_north"], "name": "new school", "kind": "school"}
    ),
    "PATCH /api/organisations/{organisation_id}": Address(COUNTY_LINE, lambda _: {"name": "new name"}),
    "DELETE /api/organisations/{organisation_id}": Address(COUNTY_LINE),  # answered 409, because it is in use
    "GET /api/organisations/{organisation_id}/calendar": Address(BOOKERS | OBSERVERS_NORTH),
    "PUT /api/organisations/{organisation_id}/special-days/{day}": Address(
        SCHOOL_LINE, _nothing, things=lambda _: {"day": "2026-10-01"}
    ),
    "DELETE /api/organisations/{organisation_id}/special-days/{day}": made_up(
        PLANNERS, organisation_id=NOTHING, day="2026-10-01"
    ),
    "PUT /api/organisations/{organisation_id}/seasons/{from_day}": Address(
        SCHOOL_LINE, lambda _: {"items": []}, things=lambda _: {"from_day": "2026-10-08"}
    ),
    "GET /api/organisations/{organisation_id}/periods": Address(BOOKERS | OBSERVERS_NORTH),
    "PUT /api/organisations/{organisation_id}/periods": Address(
        SCHOOL_LINE, lambda _: {"items": [{"number": 1, "starts": "08:30", "ends": "09:10"}]}
    ),
    "GET /api/terms": Address(PEOPLE),
    "POST /api/terms": Address(
        COUNTY_LINE,
        lambda t: {
            "organisation_id": t["county_north"],
            "name": "T",
            "starts_on": "2027-02-01",
            "ends_on": "2027-06-30",
        },
    ),
    "DELETE /api/terms/{term_id}": Address(COUNTY_LINE),  # answered 409, because a plan was made for it
    "GET /api/classes": Address(PEOPLE),
    "POST /api/classes": Address(
        SCHOOL_LINE, lambda t: {"organisation_id": t["organisation_id"], "name": "5-1", "grade": "grade_5"}
    ),
    # Rooms and their devices
    "GET /api/rooms": Address(PEOPLE),
    "POST /api/rooms": Address(SCHOOL_LINE, lambda t: {"organisation_id": t["organisation_id"], "name": "new room"}),
    "GET /api/rooms/{room_id}": Address(SCHOOL_NORTH),
    "PATCH /api/rooms/{room_id}": Address(SCHOOL_LINE, lambda _: {"name": "renamed"}),
    "POST /api/rooms/{room_id}/pairing": Address(SCHOOL_LINE, lambda t: {"code": t["code"]}),
    "DELETE /api/rooms/{room_id}/device": Address(SCHOOL_LINE),
    "GET /api/device": Address(DEVICES),
    "GET /api/device/lesson": Address(DEVICES),
    # Lessons
    "GET /api/lessons": Address(PEOPLE),
    "POST /api/lessons": Address(LEADING, lambda t: t["booking"], refusals=REFUSALS | {422}),
    "POST /api/lessons/series": Address(
        LEADING, lambda t: t["booking"] | {"until": "2026-09-20"}, refusals=REFUSALS | {422}
    ),
    "POST /api/lessons/suggestions": Address(LEADING, lambda t: t["booking"], refusals=REFUSALS | {422}),
    "PATCH /api/lessons/{lesson_id}/rest": made_up(PEOPLE, lambda _: {"version": 1}, lesson_id=NOTHING),
    "POST /api/lessons/{lesson_id}/rest/cancel": made_up(PEOPLE, _nothing, lesson_id=NOTHING),
    "GET /api/week": Address(BOOKERS, query="monday=2026-09-07&school_id={organisation_id}"),
    "GET /api/week/partners": Address(BOOKERS),
    # Events and the inbox; whose they are is tried in tests/service/events and tests/service/lessons/test_weekly.py
    "GET /api/events": Address(PEOPLE),
    "POST /api/events": Address(
        LEADING,
        lambda t: {
            "kind": "famous_teacher",
            "title": "open lesson",
            "subject": "chinese",
            "grade": "grade_5",
            "lead_teacher_id": t["booking"]["lead_teacher_id"],
            "lead_room_id": t["booking"]["lead_room_id"],
            "meetings": [{"starts_at": t["booking"]["starts_at"], "ends_at": t["booking"]["ends_at"]}],
            "quota": 1,
            "signup_until": t["booking"]["starts_at"],
        },
        refusals=REFUSALS | {422},
    ),
    "GET /api/events/{event_id}": made_up(PEOPLE, event_id=NOTHING),
    "PATCH /api/events/{event_id}": made_up(PEOPLE, lambda _: {"version": 1}, event_id=NOTHING),
    "POST /api/events/{event_id}/cancel": made_up(PEOPLE, _nothing, event_id=NOTHING),
    "GET /api/events/{event_id}/signups": made_up(PEOPLE, event_id=NOTHING),
    "POST /api/events/{event_id}/signups": made_up(PEOPLE, lambda t: {"room_id": t["far_room"]}, event_id=NOTHING),
    "POST /api/events/{event_id}/observing": made_up(PEOPLE, _nothing, event_id=NOTHING),
    "DELETE /api/events/{event_id}/observing": made_up(PEOPLE, event_id=NOTHING),
    "DELETE /api/events/{event_id}/signups/{signup_id}": made_up(PEOPLE, event_id=NOTHING, signup_id=NOTHING),
    "GET /api/notices": Address(PEOPLE),
    "POST /api/notices/read": Address(PEOPLE, _nothing),
    "GET /api/lessons/{lesson_id}": Address(TAKING_PART),
    "PATCH /api/lessons/{lesson_id}": Address(LEADING, lambda t: {"version": t["version"], "title": "new title"}),
    "POST /api/lessons/{lesson_id}/cancel": Address(LEADING, lambda _: {"reason": "ill"}),
    "POST /api/lessons/{lesson_id}/receivers": Address(LEADING, lambda t: {"room_id": t["far_room"]}),
    "DELETE /api/lessons/{lesson_id}/receivers/{receiver_id}": Address(LEADING),
    "POST /api/lessons/{lesson_id}/receivers/{receiver_id}/accept": Address(RECEIVING_LINE),
    "POST /api/lessons/{lesson_id}/receivers/{receiver_id}/decline": Address(RECEIVING_LINE, _nothing),
    "POST /api/lessons/{lesson_id}/start": Address(LEADING),
    "POST /api/lessons/{lesson_id}/end": Address(LEADING),
    # Recordings
    "POST /api/lessons/{lesson_id}/recording/handout": Address(MAY_REPLAY, _nothing, things=_held),
    # Only at the address a session was given:
    "GET /api/lessons/{lesson_id}/recording/handout/media": Address(frozenset(), things=_held),
    "GET /api/recordings/growing/{lesson_id}/{file_name}": Address(
        frozenset(), things=lambda things: {"lesson_id": things["held_lesson"], "file_name": "a.webm"}
    ),
    # Only administrators of the party's own school, and this party has none:
    "PUT /api/lessons/{lesson_id}/recording/releases/{party_id}": Address(frozenset(), _nothing, things=_lead_party),
    "DELETE /api/lessons/{lesson_id}/recording/releases/{party_id}": Address(frozenset(), things=_lead_party),
    "PUT /api/lessons/{lesson_id}/recording/publication": Address(
        SCHOOL_LINE, lambda things: {"organisation_id": things["organisation_id"]}, things=_held
    ),
    "DELETE /api/lessons/{lesson_id}/recording/publication": Address(SCHOOL_LINE, things=_held),
    "GET /api/lessons/{lesson_id}/recording/invitations": Address(LEADING, things=_held),
    "POST /api/lessons/{lesson_id}/recording/invitations": Address(
        LEADING, lambda _things: {"username": "teacher_north"}, things=_held
    ),
    "DELETE /api/lessons/{lesson_id}/recording/invitations/{invitation_id}": Address(
        LEADING,
        things=lambda things: {"lesson_id": things["held_lesson"], "invitation_id": things["invitation_id"]},
    ),
    "POST /api/lessons/{lesson_id}/recording/deletion": Address(SCHOOL_LINE, _nothing, things=_held),
    "GET /api/recordings/notices": Address(ADMINISTRATORS),
    "GET /api/recordings/deletions": Address(ADMINISTRATORS),
    "GET /api/organisations/{organisation_id}/recording-policy": Address(SCHOOL_LINE),
    "PUT /api/organisations/{organisation_id}/recording-policy": Address(SCHOOL_LINE, _nothing),
    "DELETE /api/organisations/{organisation_id}/recording-policy": Address(SCHOOL_LINE),
    "GET /api/recordings": Address(PEOPLE),
    "GET /api/lessons/{lesson_id}/recording": Address(MAY_REPLAY, things=_held),
    "POST /api/lessons/{lesson_id}/recording/retry": Address(LEADING, things=_held),
    "GET /api/recordings/streams/{stream_id}/media": Address(frozenset()),  # only at the address a session was given
    # Replay and reviews; what ids name is tried by every role in tests/service/reviews
    "GET /api/lessons/{lesson_id}/recording/timeline": Address(MAY_REPLAY, things=_held),
    "GET /api/recordings/streams/{stream_id}/sheet": Address(frozenset()),  # only at the address a session was given
    "POST /api/lessons/{lesson_id}/watched": Address(MAY_REPLAY, lambda _: {"parts": []}, things=_held),
    "GET /api/observations": Address(RESEARCHERS | INSPECTORS),
    "GET /api/observations/people": Address(ADMINISTRATORS | INSPECTORS),
    "GET /api/lessons/{lesson_id}/notes": Address(MAY_REPLAY, things=_held),
    "PUT /api/lessons/{lesson_id}/notes/{note_id}": Address(
        MAY_REPLAY, lambda _: {"text": "note", "at_ms": 0}, things=lambda t: _held(t) | {"note_id": "a" * 32}
    ),
    "DELETE /api/lessons/{lesson_id}/notes/{note_id}": made_up(PEOPLE, lesson_id=NOTHING, note_id=NOTHING),
    "GET /api/rubrics": Address(PEOPLE),
    "POST /api/rubrics": Address(ADMINISTRATORS, lambda _: RUBRIC),
    "PUT /api/rubrics/{rubric_id}": made_up(ADMINISTRATORS, lambda _: RUBRIC, rubric_id=NOTHING),
    "DELETE /api/rubrics/{rubric_id}": made_up(ADMINISTRATORS, rubric_id=NOTHING),
    "GET /api/critiques": Address(PEOPLE),
    "GET /api/reviewers": Address(MAY_REPLAY - TEACHERS, query="lesson_id={held_lesson}"),
    "POST /api/critiques": Address(
        MAY_REPLAY - TEACHERS,
        lambda t: {
            "title": "critique",
            "lesson_ids": [t["held_lesson"]],
            "rubric_id": "classroom",
            "reviewer_ids": [t["user_id"]],
        },
    ),
    "GET /api/critiques/{critique_id}": made_up(PEOPLE, critique_id=NOTHING),
    "GET /api/critiques/{critique_id}/export.xlsx": made_up(PEOPLE, critique_id=NOTHING),
    "GET /api/critiques/{critique_id}/export.docx": made_up(PEOPLE, critique_id=NOTHING),
    "PUT /api/critiques/{critique_id}/lessons/{lesson_id}/sheet": made_up(
        PEOPLE, _nothing, critique_id=NOTHING, lesson_id=NOTHING
    ),
    "POST /api/critiques/{critique_id}/hand-in": made_up(PEOPLE, critique_id=NOTHING),
    "POST /api/critiques/{critique_id}/close": made_up(PEOPLE, critique_id=NOTHING),
    "POST /api/critiques/{critique_id}/sheets/{sheet_id}/replies": made_up(
        PEOPLE, lambda _: {"text": "reply"}, critique_id=NOTHING, sheet_id=NOTHING
    ),
    "GET /api/comparisons": Address(PEOPLE),
    "POST /api/comparisons": Address(
        MAY_REPLAY - TEACHERS,
        lambda t: {"title": "comparison", "lesson_ids": [t["held_lesson"], t["lesson_id"]]},
    ),
    "GET /api/comparisons/{comparison_id}": made_up(PEOPLE, comparison_id=NOTHING),
    "PATCH /api/comparisons/{comparison_id}": made_up(PEOPLE, _nothing, comparison_id=NOTHING),
    "DELETE /api/comparisons/{comparison_id}": made_up(PEOPLE, comparison_id=NOTHING),
    "PUT /api/comparisons/{comparison_id}/lessons/{lesson_id}/phases": made_up(
        PEOPLE, _nothing, comparison_id=NOTHING, lesson_id=NOTHING
    ),
    "GET /api/samples": Address(PEOPLE),
    "POST /api/samples": Address(SCHOOL_NORTH, lambda t: {"lesson_id": t["held_lesson"]}),
    "GET /api/samples/figures": Address(PEOPLE - TEACHERS),
    "GET /api/samples/{sample_id}": made_up(PEOPLE, sample_id=NOTHING),
    "POST /api/samples/{sample_id}/review": made_up(
        PEOPLE, lambda t: {"rubric_id": "classroom", "reviewer_ids": [t["user_id"]]}, sample_id=NOTHING
    ),
    "POST /api/samples/{sample_id}/decision": made_up(PEOPLE, lambda _: {"outcome": "declined"}, sample_id=NOTHING),
    "POST /api/samples/{sample_id}/withdraw": made_up(PEOPLE, sample_id=NOTHING),
    "POST /api/samples/{sample_id}/publish": made_up(PEOPLE, sample_id=NOTHING),
    "POST /api/samples/{sample_id}/unpublish": made_up(PEOPLE, sample_id=NOTHING),
    "GET /api/library": Address(PEOPLE),
    # Usage
    "GET /api/lessons/{lesson_id}/lines": Address(MAY_REPLAY),
    "GET /api/usage": Address(PEOPLE - RESEARCHERS),
    "GET /api/usage.csv": Address(PEOPLE - RESEARCHERS),
    "GET /api/usage.xlsx": Address(PEOPLE - RESEARCHERS),
    "GET /api/usage/events": Address(MAY_REPLAY - RESEARCHERS, query="lesson_id={held_lesson}"),
    "GET /api/metrics": Address(frozenset(), refusals=REFUSALS | {404}),  # a token of its own, set by the operator
    "GET /api/relays": Address(frozenset({"system"})),
    # Plans and changes
    "POST /api/plans": Address(
        COUNTY_LINE,
        lambda t: {"term_id": t["term_id"], "organisation_id": t["county_north"], "name": "P", "budget_seconds": 5},
    ),
    "GET /api/plans": Address(PLANNERS),
    "GET /api/plans/{plan_id}": Address(COUNTY_LINE),
    "POST /api/plans/{plan_id}/cancel": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/schools": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/demands": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/demands/{demand_id}/why": Address(COUNTY_LINE, things=lambda _: {"demand_id": "d"}),
    "GET /api/plans/{plan_id}/binding": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/targets": Address(COUNTY_LINE, query="kind=teachers"),
    "GET /api/plans/{plan_id}/coverage": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/compare/{other_id}": Address(COUNTY_LINE, things=lambda t: {"other_id": t["plan_id"]}),
    "GET /api/plans/{plan_id}/document": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/table": Address(COUNTY_LINE),
    "GET /api/plans/{plan_id}/instance": Address(COUNTY_LINE),
    "POST /api/plans/{plan_id}/what-if": Address(COUNTY_LINE, lambda _: {"assumption": "receiving_rooms", "by": 1}),
    "POST /api/plans/{plan_id}/accept": Address(COUNTY_LINE, lambda _: {"base_version": 1}),
    "POST /api/changes": Address(
        COUNTY_LINE,
        lambda t: {
            "plan_id": t["plan_id"],
            "kind": "absence",
            "target_id": t["teacher_id"],
            "from_day": "2026-09-08",
            "to_day": "2026-09-08",
        },
    ),
    "GET /api/changes": Address(PLANNERS),
    "GET /api/changes/{change_id}": made_up(PLANNERS, change_id="c"),
    "POST /api/changes/{change_id}/proposals/{proposal_id}/accept": made_up(
        PLANNERS, lambda _: {"base_version": 1}, change_id="c", proposal_id="p"
    ),
    "POST /api/changes/{change_id}/withdraw": made_up(PLANNERS, change_id="c"),
    # Calendars
    "GET /api/calendars/{kind}/{target_id}.ics": Address(SCHOOL_NORTH),
    "POST /api/calendars": Address(SCHOOL_NORTH, lambda t: {"kind": "teacher", "target_id": t["teacher_id"]}),
    "DELETE /api/calendars/{feed_id}": Address(frozenset({"teacher_north"})),
    # Lists in and out
    "POST /api/imports": Address(ADMINISTRATORS, form={"kind": "rooms"}),
    "POST /api/imports/{import_id}/apply": made_up(ADMINISTRATORS, import_id="i"),
    "GET /api/templates/{kind}": Address(ADMINISTRATORS, kind="rooms"),
    "GET /api/exports/{kind}": Address(ADMINISTRATORS, kind="rooms"),
}
