"""Real deletion: by policy and on demand, with nothing left in the store and a trail that says so."""

from pathlib import Path
from typing import Any

import pytest

from service.recordings.object_store import FolderObjectStore, StoreUnavailableError


def files(parts: Any) -> list[Path]:
    return list(parts.configuration.recording_folder.rglob("*.mp4"))


def path(lesson: Any, rest: str = "") -> str:
    return f"/api/lessons/{lesson['id']}/recording{rest}"


def policy(county: Any, organisation: str) -> str:
    return f"/api/organisations/{county.organisations[organisation].id}/recording-policy"


def test_a_recording_is_deleted_for_good_on_an_administrators_word(
    full: Any, signed_in: Any, parts: Any, clock: Any
) -> None:
    assert len(files(parts)) == 3
    for nobody in ("teacher_north", "researcher_north", "county_south"):
        assert signed_in(nobody).post(path(full, "/deletion"), {}).status_code == 403
    administrator = signed_in("school_north")
    address = administrator.get(path(full)).json()["streams"][0]["media_url"]
    answer = administrator.post(path(full, "/deletion"), {"note": "家长要求"})
    assert (answer.status_code, answer.json()["state"], answer.json()["streams"]) == (202, "deleted", [])
    assert administrator.get(address).status_code == 404
    begun = administrator.get("/api/recordings/deletions").json()["items"][0]
    assert (begun["finished_at"], begun["reason"], begun["note"]) == (None, "asked", "家长要求")
    assert (begun["files"], begun["bytes"]) == (3, 3 * 10_240)
    clock.advance(minutes=1)
    parts.production.keep_house()
    assert files(parts) == []
    done = administrator.get("/api/recordings/deletions").json()["items"][0]
    assert done["finished_at"] is not None
    assert administrator.post(path(full, "/deletion"), {}).status_code == 202
    assert administrator.get("/api/recordings/deletions").json()["total"] == 1
    assert administrator.post(path(full, "/retry"), {}).status_code == 409
    assert signed_in("teacher_north").get("/api/recordings").json()["items"][0]["state"] == "deleted"
    for elsewhere, status in (("county_south", 0), ("prefecture", 1), ("school_north", 1)):
        assert signed_in(elsewhere).get("/api/recordings/deletions").json()["total"] == status
    assert signed_in("researcher_north").get("/api/recordings/deletions").status_code == 403


@pytest.mark.parametrize(
    ("policies", "kept_days", "gone_days"),
    [
        ({"prefecture": 30}, 29, 31),
        ({"prefecture": 10, "school_north_1": 60}, 59, 61),
        ({"prefecture": 60, "county_north": 20, "county_south": 1}, 19, 21),
    ],
)
def test_the_nearest_policy_decides_how_long_a_recording_is_kept(
    full: Any, signed_in: Any, parts: Any, clock: Any, county: Any, policies: Any, kept_days: int, gone_days: int
) -> None:
    for organisation, days in policies.items():
        assert signed_in("prefecture").put(policy(county, organisation), {"retention_days": days}).status_code == 200
    clock.advance(days=kept_days)
    parts.production.keep_house()
    assert len(files(parts)) == 3
    clock.advance(days=gone_days - kept_days)
    parts.production.keep_house()
    assert files(parts) == []
    trail = signed_in("prefecture").get("/api/recordings/deletions").json()["items"]
    assert [(item["reason"], item["asked_by"]) for item in trail] == [("retention", None)]
    assert trail[0]["retention_days"] == min(days for days in policies.values() if days == gone_days - 1)
    assert trail[0]["finished_at"] is not None


def test_without_a_policy_or_with_one_that_keeps_nothing_goes(
    full: Any, signed_in: Any, parts: Any, clock: Any, county: Any
) -> None:
    administrator = signed_in("prefecture")
    administrator.put(policy(county, "prefecture"), {"retention_days": 1})
    administrator.put(policy(county, "county_north"), {"watermark": True})
    clock.advance(days=5000)
    parts.production.keep_house()
    assert len(files(parts)) == 3
    administrator = signed_in("prefecture")
    view = administrator.client.delete(policy(county, "county_north")).json()
    assert (view["retention_days"], view["decided_by_name"]) == (1, "青禾州")
    parts.production.keep_house()
    assert files(parts) == []


def test_a_store_that_is_away_delays_the_deletion_and_forgets_nothing(
    full: Any, signed_in: Any, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, away = FolderObjectStore.delete, [True]

    def refuse(store: FolderObjectStore, key: str) -> None:
        if away[0] and key.endswith(".mp4"):
            raise StoreUnavailableError("away")
        delete(store, key)

    monkeypatch.setattr(FolderObjectStore, "delete", refuse)
    administrator = signed_in("school_north")
    administrator.post(path(full, "/deletion"), {})
    parts.production.keep_house()
    assert len(files(parts)) == 3
    assert administrator.get("/api/recordings/deletions").json()["items"][0]["finished_at"] is None
    away[0] = False
    parts.production.keep_house()
    assert files(parts) == []
    assert administrator.get("/api/recordings/deletions").json()["items"][0]["finished_at"] is not None


@pytest.mark.parametrize("body", [{"retention_days": 0}, {"retention_days": 99_999}, {"days": 3}, {"watermark": 7}])
def test_odd_policies_are_refused(signed_in: Any, county: Any, body: Any) -> None:
    assert signed_in("prefecture").put(policy(county, "prefecture"), body).status_code == 422
    assert signed_in("teacher_north").put(policy(county, "school_north_1"), {}).status_code == 403
