"""Who is connected stays only for as long as their session or pairing is good; all are looked up together."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from service.accounts.principal import RoomDevice
from service.accounts.sessions import close_sessions_of, find_person, open_session
from service.accounts.tables import User, UserSession
from service.live.standing import Standing
from service.rooms.devices import find_device
from service.rooms.tables import Device

IDLE = timedelta(hours=12)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.live.standing.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("service.live.standing.RECHECK_S", 0.0)


@pytest.fixture
def person(county: Any, parts: Any, clock: Any) -> Callable[[str], Any]:
    """Signs somebody in."""

    def make(name: str) -> Any:
        with parts.database.unit_of_work() as session:
            token = open_session(session, county.users[name].id, clock.now(), timedelta(days=365))
            found = find_person(session, token, clock.now(), IDLE)
        assert found is not None
        return found[0]

    return make


@pytest.fixture
def device(rooms: Any, parts: Any, clock: Any) -> Callable[[str], RoomDevice]:
    def make(room: str) -> RoomDevice:
        with parts.database.reading() as session:
            found = find_device(session, rooms.device_tokens[room], clock.now())
        assert found is not None
        return found[0]

    return make


def gone_after(parts: Any, clock: Any, principals: list[Any], change: Callable[[], Any]) -> list[bool]:
    """Which of the principals are over after a change and were not before it."""

    async def scenario() -> list[bool]:
        standing = Standing(parts.database, clock, IDLE)
        async with standing.running():
            waiting = [asyncio.create_task(standing.until_over(one)) for one in principals]
            await asyncio.sleep(0.1)
            assert not any(one.done() for one in waiting), "all are good until then"
            await asyncio.to_thread(change)
            await asyncio.wait_for(asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED), 10)
            over = [one.done() for one in waiting]
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert not standing._watched
        return over

    return asyncio.run(scenario())


def test_who_is_signed_out_everywhere_goes_and_others_stay(soon: None, parts: Any, clock: Any, person: Any) -> None:
    out, stays = person("teacher_north"), person("teacher_south")

    def sign_out() -> None:
        with parts.database.unit_of_work() as session:
            close_sessions_of(session, out.user_id)

    assert gone_after(parts, clock, [out, stays], sign_out) == [True, False]


def test_an_account_that_is_closed_goes(soon: None, parts: Any, clock: Any, person: Any, device: Any) -> None:
    closed, room = person("teacher_north"), device("south room")

    def close() -> None:
        with parts.database.unit_of_work() as session:
            session.get_one(User, closed.user_id).disabled = True

    assert gone_after(parts, clock, [closed, room], close) == [True, False]


def test_who_stays_in_a_lesson_counts_as_seen(
    soon: None, parts: Any, clock: Any, person: Any, device: Any, wait_until: Any
) -> None:
    who, room = person("teacher_north"), device("south room")

    def seen() -> bool:
        with parts.database.reading() as session:
            session_at = session.scalar(select(UserSession.last_seen_at).where(UserSession.id == who.session_id))
            device_at = session.scalar(select(Device.last_seen_at).where(Device.id == room.device_id))
        return bool(session_at == clock.now() and device_at == clock.now())

    async def scenario() -> None:
        standing = Standing(parts.database, clock, IDLE)
        clock.advance(minutes=10)
        async with standing.running():
            waiting = [asyncio.create_task(standing.until_over(one)) for one in (who, room)]
            await asyncio.to_thread(wait_until, seen)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(scenario())


def test_many_are_looked_up_by_as_few_questions_as_one(parts: Any, clock: Any, person: Any, device: Any) -> None:
    names = ("teacher_north", "teacher_south", "school_north", "school_south")
    keys = {("session", person(name).session_id) for name in names}
    keys |= {("device", device(name).device_id) for name in ("south room", "far room", "village room")}
    clock.advance(minutes=10)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement.split(maxsplit=1)[0])

    event.listen(parts.database.engine, "before_cursor_execute", note)
    try:
        good = Standing(parts.database, clock, IDLE)._look_up(keys)
    finally:
        event.remove(parts.database.engine, "before_cursor_execute", note)
    assert good == keys
    assert sorted(word for word in asked if word in {"SELECT", "UPDATE"}) == ["SELECT", "SELECT", "UPDATE", "UPDATE"]
