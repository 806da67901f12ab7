"""The file to hand out, from asking to fetching: only what is released, kept up to date, made again after failures."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from media.contract import HandoutFile
from service.recordings.subprocess_maker import MakingFailedError, WorkerDiedError

FILM = b"one film " * 5000


class JoiningMaker:
    """Makes a file that tells of what it was made; breaks as often as it is told to."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.shown: list[list[str]] = []

    def make(self, sources: Any, output: Path, work_folder: Path, progress: Any) -> HandoutFile:
        progress(0.4)
        if self.failures:
            raise self.failures.pop(0)
        self.shown.append([source.role for source in sources])
        assert all(hashlib.sha256(Path(one.path).read_bytes()).hexdigest() == one.sha256 for one in sources)
        output.write_bytes(FILM)
        return HandoutFile(duration_ms=60_040, bytes=len(FILM), sha256=hashlib.sha256(FILM).hexdigest())


@pytest.fixture
def composer(parts: Any) -> JoiningMaker:
    composer = JoiningMaker()
    parts.handout_production._maker = composer
    return composer


def path(full: Any, rest: str = "") -> str:
    return f"/api/lessons/{full['id']}/recording{rest}"


def test_it_is_made_on_demand_and_given_to_those_who_may_watch(
    full: Any, composer: Any, signed_in: Any, parts: Any, clock: Any
) -> None:
    teacher = signed_in("teacher_north")
    assert teacher.get(path(full)).json()["handout"] is None
    answer = teacher.post(path(full, "/handout"))
    assert (answer.status_code, answer.json()["handout"]["state"]) == (202, "waiting")
    assert teacher.get(path(full, "/handout/media")).status_code == 403
    parts.handout_production.make(full["id"])
    handout = teacher.get(path(full)).json()["handout"]
    assert (handout["state"], handout["progress"], handout["bytes"]) == ("ready", 1.0, len(FILM))
    whole = teacher.get(handout["media_url"])
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, FILM, "video/mp4")
    assert "attachment" in whole.headers["content-disposition"]
    part = teacher.get(handout["media_url"], headers={"Range": "bytes=9-17"})
    assert (part.status_code, part.content) == (206, b"one film ")
    assert teacher.client.head(handout["media_url"]).headers["content-length"] == str(len(FILM))
    assert composer.shown == [["lead"]]
    assert not list((parts.configuration.data_folder / "making-handouts").iterdir())
    teacher.post(path(full, "/handout"))
    parts.handout_production.make(full["id"])
    assert len(composer.shown) == 1
    assert signed_in("school_north").get(handout["media_url"]).status_code == 403
    stream = teacher.get(path(full)).json()["streams"][0]["media_url"]
    assert teacher.get(f"{path(full, '/handout/media')}?{stream.partition('?')[2]}").status_code == 403
    clock.advance(minutes=parts.configuration.media_address_minutes, seconds=1)
    assert teacher.get(handout["media_url"]).json()["code"] == "address_expired"


def test_a_release_and_its_withdrawal_put_an_end_to_the_old_file(
    full: Any, composer: Any, signed_in: Any, parts: Any
) -> None:
    teacher, school = signed_in("teacher_north"), signed_in("school_south")
    release = path(full, f"/releases/{full['south']}")
    school.put(release, {})
    teacher.post(path(full, "/handout"))
    parts.handout_production.make(full["id"])
    assert composer.shown == [["lead", "room"]]
    address = teacher.get(path(full)).json()["handout"]["media_url"]
    assert school.client.delete(release).status_code == 200
    assert teacher.get(address).status_code == 404
    parts.production.keep_house()
    stored = list(parts.configuration.recording_folder.rglob("*.mp4"))
    assert all(file.read_bytes() != FILM for file in stored)
    assert len(stored) == 3


def test_a_withdrawal_while_it_is_made_makes_the_new_file_vanish(
    full: Any, composer: Any, signed_in: Any, parts: Any
) -> None:
    teacher, school = signed_in("teacher_north"), signed_in("school_south")
    release = path(full, f"/releases/{full['south']}")
    school.put(release, {})
    teacher.post(path(full, "/handout"))
    make = composer.make

    def withdrawn_meanwhile(*arguments: Any) -> Any:
        school.client.delete(release)
        return make(*arguments)

    composer.make = withdrawn_meanwhile
    parts.handout_production.make(full["id"])
    assert teacher.get(path(full)).json()["handout"] is None
    parts.production.keep_house()
    assert len(list(parts.configuration.recording_folder.rglob("*.mp4"))) == 3


def test_a_failure_is_told_and_can_be_tried_again(full: Any, composer: Any, signed_in: Any, parts: Any) -> None:
    composer.failures = [MakingFailedError("no space left in /var/secret")]
    teacher = signed_in("teacher_north")
    teacher.post(path(full, "/handout"))
    parts.handout_production.make(full["id"])
    handout = teacher.get(path(full)).json()["handout"]
    assert (handout["state"], handout["problem_detail"]) == ("failed", "no space left in …")
    assert teacher.post(path(full, "/handout")).json()["handout"]["state"] == "waiting"
    parts.handout_production.make(full["id"])
    assert teacher.get(path(full)).json()["handout"]["state"] == "ready"


def test_a_dead_worker_and_a_restart_leave_it_to_be_made(
    full: Any, composer: Any, signed_in: Any, parts: Any, new_client: Any, wait_until: Any
) -> None:
    composer.failures = [WorkerDiedError("killed")]
    teacher = signed_in("teacher_north")
    teacher.post(path(full, "/handout"))
    parts.handout_production.make(full["id"])
    assert teacher.get(path(full)).json()["handout"]["state"] == "making"
    with new_client():
        wait_until(lambda: teacher.get(path(full)).json()["handout"]["state"] == "ready")


def test_only_those_of_the_lesson_have_one_made(full: Any, composer: Any, signed_in: Any, county: Any) -> None:
    county.add_user("guest", "teacher", "school_south_2")
    signed_in("teacher_north").post(path(full, "/invitations"), {"username": "guest"})
    assert signed_in("guest").post(path(full, "/handout")).status_code == 403
    assert signed_in("researcher_south").post(path(full, "/handout")).status_code == 202
