"""What people change is in the audit log, with the change or not at all; and only their own administrators read it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from service.parts import Parts


def acts(caller, **query):
    answer = caller.get("/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def rename(caller, name):
    return caller.patch("/api/account", json={"display_name": name})


def test_a_change_is_noted_with_who_what_and_when(signed_in: Callable, clock) -> None:
    administrator = signed_in("school_north")
    assert rename(administrator, "王校长").status_code == 200
    [act] = acts(administrator)
    assert (act["operation"], act["about"], act["role"]) == ("change_account", {}, "school_administrator")
    assert act["at"] == clock.now().isoformat().replace("+00:00", "Z")


def test_what_the_address_names_is_noted_and_no_value_is(signed_in, county) -> None:
    administrator = signed_in("school_north")
    school = county.organisations["school_north_1"].id
    made = administrator.post("/api/rooms", json={"organisation_id": school, "name": "音乐室"})
    assert made.status_code == 201, made.text
    changed = administrator.patch(f"/api/rooms/{made.json()['id']}", json={"name": "秘密名字"})
    assert changed.status_code == 200, changed.text
    latest, first = acts(administrator)
    assert latest["about"] == {"room_id": made.json()["id"]}
    assert "秘密名字" not in str({key: value for key, value in latest.items() if key != "subject"})
    assert latest["subject"] == "秘密名字"  # as it is called now
    assert first["operation"] == "create_room"


def test_reading_is_not_noted(signed_in) -> None:
    administrator = signed_in("school_north")
    assert administrator.get("/api/organisations").status_code == 200
    assert acts(administrator) == []


def test_what_was_refused_is_not_noted_as_done(signed_in) -> None:
    administrator = signed_in("school_north")
    refused = administrator.post("/api/rooms", json={"organisation_id": "0" * 32, "name": "x"})
    assert refused.status_code >= 400
    assert [act for act in acts(administrator) if "refused" not in act["about"]] == []


def test_an_act_whose_log_cannot_be_written_does_not_happen(signed_in, parts: Parts) -> None:
    administrator = signed_in("school_north")
    before = administrator.get("/api/session").json()["user"]["display_name"]
    with parts.database.unit_of_work() as session:
        session.execute(text("ALTER TABLE audit_log RENAME TO taken_away"))
    assert rename(administrator, "某人").status_code == 503
    with parts.database.unit_of_work() as session:
        session.execute(text("ALTER TABLE taken_away RENAME TO audit_log"))
    assert administrator.get("/api/session").json()["user"]["display_name"] == before


def test_acts_at_the_same_time_keep_their_own_persons(signed_in) -> None:
    callers = {name: signed_in(name) for name in ("school_north", "school_south", "county_north", "county_south")}
    with ThreadPoolExecutor() as pool:
        for name, answer in pool.map(lambda name: (name, rename(callers[name], f"{name} 改")), sorted(callers) * 4):
            assert answer.status_code == 200, name
    for name, caller in callers.items():
        me = caller.get("/api/session").json()["user"]["id"]
        assert len(acts(caller, user_id=me)) == 4, name


def test_administrators_read_what_their_part_of_the_organisation_did(signed_in) -> None:
    for name in ("school_north", "school_south", "county_north"):
        rename(signed_in(name), f"{name} 新")
    seen = {name: len(acts(signed_in(name))) for name in ("school_north", "county_north", "county_south", "prefecture")}
    assert seen == {"school_north": 1, "county_north": 2, "county_south": 1, "prefecture": 3}


def test_teachers_and_strangers_read_nothing(signed_in, anonymous) -> None:
    assert signed_in("teacher_north").get("/api/audit").status_code == 403
    assert anonymous.get("/api/audit").status_code == 401


def test_the_log_can_be_narrowed_to_days_and_operations(signed_in, clock) -> None:
    administrator = signed_in("school_north")
    rename(administrator, "甲")
    clock.advance(days=2)
    administrator = signed_in("school_north")
    rename(administrator, "乙")
    assert len(acts(administrator, **{"from": "2026-09-08"})) == 1
    assert len(acts(administrator, operation="change_account")) == 2
    assert acts(administrator, operation="create_room") == []


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET person = 'x'", "DELETE FROM audit_log"])
def test_the_database_refuses_to_change_the_log(signed_in, parts: Parts, statement: str) -> None:
    rename(signed_in("school_north"), "甲")
    with pytest.raises(DatabaseError, match="append-only"), parts.database.unit_of_work() as session:
        session.execute(text(statement))
