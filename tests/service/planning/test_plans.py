"""A plan is asked for, made, verified, read by those of its subtree and explained."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from service.planning.opened import PlanShelf
from service.planning.plan_tables import PlanDocument
from service.planning.tables import LeadSeries
from service.problems import Conflict


def test_a_plan_serves_what_can_be_served_and_proves_it(make_plan: Callable[..., dict[str, Any]]) -> None:
    plan = make_plan()
    result = plan["result"]
    assert result["pairings"] == 3
    assert result["coverage"] == 1.0
    assert plan["score"] <= plan["bound"]
    assert result["certificate"]["verified"]
    assert [county["name"] for county in result["counties"]] == ["county_north"]
    assert [subject["id"] for subject in result["subjects"]] == ["english"]


def test_demands_come_with_their_lead_and_times(
    make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    plan = make_plan()
    page = signed_in("county_north").get(f"/api/plans/{plan['id']}/demands").json()
    assert page["counts"] == {"unserved": 0, "under": 0, "served": 3}
    by_class = {row["class_name"]: row for row in page["items"]}
    assert by_class["四年级3班"]["lead"]["teacher"] == "teacher_north"
    assert by_class["四年级3班"]["times"][0] == {"weekday": 0, "starts": "08:30", "ends": "09:10"}
    assert by_class["四年级1班"]["lead"]["teacher"] == "colleague_north"


def test_why_names_the_booking_in_the_way_and_who_would_yield(
    pairable: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    pairable.crowd()
    plan = make_plan()
    caller = signed_in("county_north")
    short = caller.get(f"/api/plans/{plan['id']}/demands", params={"state": "unserved"}).json()["items"]
    assert len(short) == 1
    why = caller.get(f"/api/plans/{plan['id']}/demands/{short[0]['id']}/why").json()
    assert why["demand"]["status"] == "all_blocked"
    assert {"rule": "lesson_full", "resource": pairable.series["E4"], "name": "teacher_north"} in why["demand"][
        "remedies"
    ]
    of_teacher = next(one for one in why["candidates"] if one["lead"]["teacher"] == "teacher_north")
    time = of_teacher["times"][0]
    assert [one["rule"] for one in time["blockers"]] == ["lesson_full"]
    assert time["blockers"][0]["bookings"][0]["class_name"] in pairable.classes
    assert time["would_yield"][0]["coverage_of_school"] > 0


def test_what_binds_and_a_what_if(
    pairable: Any, parts: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    pairable.crowd()
    plan = make_plan()
    caller = signed_in("county_north")
    binding = caller.get(f"/api/plans/{plan['id']}/binding").json()
    assert binding["scarcities"][0]["kind"] in ("seats", "teacher_hours")
    assert binding["scarcities"][0]["points"] > 0
    assert round(sum(one["share"] for one in binding["scarcities"]), 2) == 1
    assert binding["statuses"] == {"all_blocked": 1, "partly_blocked": 2}
    asked = caller.post(f"/api/plans/{plan['id']}/what-if", json={"assumption": "seats_per_lesson", "by": 1})
    assert asked.status_code == 202, asked.text
    parts.planning.make(asked.json()["id"])
    other = caller.get(f"/api/plans/{asked.json()['id']}").json()
    assert other["what_if"] == {"assumption": "seats_per_lesson", "by": 1}
    assert other["result"]["coverage"] > plan["result"]["coverage"]
    refused = caller.post(f"/api/plans/{other['id']}/accept", json={"base_version": other["version"]})
    assert refused.status_code == 409
    assert refused.json()["code"] == "what_if"


@pytest.mark.parametrize(
    ("before", "after"),
    [('"bound":', '"bound":-'), ('"pairings":[', '"pairings":[],"other":['), ('"score":', '"score":9')],
)
def test_a_forged_plan_is_refused(
    parts: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any], before: str, after: str
) -> None:
    plan = make_plan()
    parts.planning.shelf = PlanShelf(parts.database, trusted_s=0)
    with parts.database.unit_of_work() as session:
        row = session.get_one(PlanDocument, plan["id"])
        row.plan = row.plan.replace(before, after)
    refused = signed_in("county_north").get(f"/api/plans/{plan['id']}")
    assert refused.status_code == 409
    assert refused.json()["code"] == "plan_refused"


def test_a_plan_of_another_instance_is_refused(
    parts: Any, pairable: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    stale = make_plan()
    pairable.add_demand("四年级4班", "school_north_2", [(0, 1)])
    fresh = make_plan()
    parts.planning.shelf = PlanShelf(parts.database, trusted_s=0)
    with parts.database.unit_of_work() as session:
        session.get_one(PlanDocument, fresh["id"]).plan = session.get_one(PlanDocument, stale["id"]).plan
    assert signed_in("county_north").get(f"/api/plans/{fresh['id']}").json()["code"] == "plan_refused"


@pytest.mark.parametrize("who", ["school_north", "teacher_north", "researcher_north"])
def test_only_planners_plan(pairable: Any, signed_in: Callable[[str], Any], who: str) -> None:
    answer = signed_in(who).post("/api/plans", json={"term_id": pairable.term_id, "name": "x"})
    assert answer.status_code == 403
    assert signed_in(who).get("/api/plans").status_code == 403


def test_another_county_sees_nothing_of_it(
    make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    plan = make_plan()
    stranger = signed_in("county_south")
    assert stranger.get("/api/plans").json()["items"] == []
    for path in ("", "/demands", "/binding", "/document", "/instance", "/schools", "/demands/x/why"):
        assert stranger.get(f"/api/plans/{plan['id']}{path}").status_code == 404
    assert stranger.post(f"/api/plans/{plan['id']}/accept", json={"base_version": 1}).status_code == 404
    assert [one["id"] for one in signed_in("prefecture").get("/api/plans").json()["items"]] == [plan["id"]]


def test_nothing_to_plan_is_said_in_words(pairable: Any, signed_in: Callable[[str], Any]) -> None:
    answer = signed_in("county_south").post("/api/plans", json={"term_id": pairable.term_id, "name": "x"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "nothing_to_plan"


def test_a_term_that_is_over_is_refused(pairable: Any, clock: Any, signed_in: Callable[[str], Any]) -> None:
    clock.advance(days=100)
    answer = signed_in("county_north").post("/api/plans", json={"term_id": pairable.term_id, "name": "x"})
    assert answer.status_code == 422


def test_a_cancelled_plan_stays_cancelled(pairable: Any, parts: Any, signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("county_north")
    plan = caller.post("/api/plans", json={"term_id": pairable.term_id, "name": "x"}).json()
    assert plan["state"] == "queued"
    assert caller.post(f"/api/plans/{plan['id']}/cancel").json()["state"] == "cancelled"
    parts.planning.make(plan["id"])
    assert caller.get(f"/api/plans/{plan['id']}").json()["state"] == "cancelled"
    assert caller.post(f"/api/plans/{plan['id']}/cancel").status_code == 409


def test_a_request_freezes_nothing_and_what_fails_later_is_kept_with_the_plan(
    pairable: Any, parts: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    caller = signed_in("county_north")
    asked = caller.post("/api/plans", json={"term_id": pairable.term_id, "name": "x"})
    assert asked.status_code == 202
    with parts.database.unit_of_work() as session:
        assert session.get(PlanDocument, asked.json()["id"]) is None
        for series in pairable.series.values():
            session.get_one(LeadSeries, series).active = False
    parts.planning.make(asked.json()["id"])
    plan = caller.get(f"/api/plans/{asked.json()['id']}").json()
    assert (plan["state"], plan["failure_code"]) == ("failed", "nothing_to_plan")
    assert plan["failure"]
    assert plan["finished_at"]


def test_an_instance_stays_frozen_when_making_begins_again(
    pairable: Any, parts: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    caller = signed_in("county_north")
    plan_id = caller.post("/api/plans", json={"term_id": pairable.term_id, "name": "x", "budget_seconds": 5}).json()[
        "id"
    ]
    order = parts.planning._begin(plan_id)
    assert caller.get(f"/api/plans/{plan_id}").json()["stage"] == "freezing"
    parts.planning._keep_frozen(plan_id, parts.planning._freezer.freeze(plan_id, order))
    pairable.add_demand("四年级9班", "school_north_2", [(0, 1)])
    parts.planning.make(plan_id)
    assert caller.get(f"/api/plans/{plan_id}/demands").json()["total"] == 3


def test_what_is_left_out_is_named(
    pairable: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    pairable.add_series("E4c", "school_north_1", "colleague_north", "studio two", [(4, 9)])
    plan = make_plan()
    assert plan["left_out"] == [{"kind": "series", "name": "school_north_1 E4c"}]
    assert plan["left_out_total"] == 1


def test_an_open_plan_is_compared_with_the_database_again_after_a_while(
    parts: Any, make_plan: Callable[..., dict[str, Any]]
) -> None:
    plan_id = make_plan()["id"]
    shelf = PlanShelf(parts.database, trusted_s=0.3)
    opened = shelf.open(plan_id)
    with parts.database.unit_of_work() as session:
        row = session.get_one(PlanDocument, plan_id)
        row.plan = row.plan.replace('"bound":', '"bound":-')
    assert shelf.open(plan_id) is opened
    time.sleep(0.3)
    with pytest.raises(Conflict):
        shelf.open(plan_id)
