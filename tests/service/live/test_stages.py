"""Who is on stage in a lesson stays there, whatever becomes of the relay that carries it or of the service."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from media.contract import EVENTS_TOPIC, RelayCommand, SetOnStage, StageTold, parse_command
from service.lessons.tables import Lesson
from service.live.clients import Clients
from service.live.conductor import Conductor
from service.live.leadership import AlwaysLeading
from service.live.placement import Load, Placed
from service.live.presence import Presence
from service.live.tables import LessonStage

GUEST, VILLAGE = "room:guest", "room:village"


def written(parts: Any) -> dict[str, list[str]]:
    """What the database knows."""
    with parts.database.reading() as session:
        return {row.lesson_id: row.party_ids for row in session.scalars(select(LessonStage))}


def test_a_relay_that_begins_anew_and_a_service_that_does_know_who_was_on_stage(
    running: Any, due_lesson: Any, signed_in: Any, parts: Any, clock: Any
) -> None:
    told = StageTold(lesson_id=due_lesson["id"], on_stage=[GUEST, VILLAGE], relay_id="relay-1")
    both = [SetOnStage(lesson_id=due_lesson["id"], party_id=party, on_stage=True) for party in (GUEST, VILLAGE)]
    with running() as (client, relay):
        relay.beat(client, "first run")
        relay.wait_for("open_lesson")
        client.portal.call(parts.bus.publish, EVENTS_TOPIC, told.model_dump(mode="json"))
        relay.wait_until(lambda: written(parts) == {due_lesson["id"]: [GUEST, VILLAGE]})
        relay.commands.clear()
        relay.beat(client, "second run")
        assert relay.wait_for("set_on_stage", 2) == both
    with running() as (_client, relay):
        assert relay.wait_for("set_on_stage", 2) == both
        clock.advance(minutes=10)
        answer = signed_in("teacher_north").post(f"/api/lessons/{due_lesson['id']}/start")
        assert answer.status_code == 200, answer.text
        answer = signed_in("teacher_north").post(f"/api/lessons/{due_lesson['id']}/end")
        assert answer.status_code == 200, answer.text
        relay.wait_for("close_lesson")
        relay.wait_until(lambda: not written(parts))


class Anywhere:
    """A placement a test decides; `alive` are the relays that can carry on with what they hand over."""

    def __init__(self, relay_id: str) -> None:
        self.relay_id = relay_id
        self.alive: set[str] = set()

    def decide(self, loads: Sequence[Load], now: datetime) -> Placed:
        return Placed({load.lesson_id: self.relay_id for load in loads}, {})

    def look_up(self, lesson_ids: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(lesson_ids, self.relay_id)

    def closed(self, lesson_id: str) -> None:
        return

    def can_hand_over(self, relay_id: str) -> bool:
        return relay_id in self.alive


class Sent:
    """A bus that keeps the commands by relay."""

    def __init__(self) -> None:
        self.commands: dict[str, list[RelayCommand]] = {"a": [], "b": []}

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        self.commands[topic.split(".")[1]].append(parse_command(message))

    def stage(self, relay_id: str) -> list[tuple[str, bool]]:
        """The stage as this relay was told."""
        told = [command for command in self.commands[relay_id] if isinstance(command, SetOnStage)]
        return [(command.party_id, command.on_stage) for command in told]


Scenario = Callable[[Conductor, Anywhere, Sent], Coroutine[Any, Any, None]]


@pytest.fixture
def conduct(parts: Any, due_lesson: Any) -> Callable[[Scenario], None]:
    """Run a scenario over the conductor of one lesson that is open on relay a, where the guest is on stage."""

    async def run(scenario: Scenario) -> None:
        placement, sent = Anywhere("a"), Sent()
        one = Conductor(
            parts.database,
            sent,  # type: ignore[arg-type]
            parts.clock,
            placement,
            clients=Clients(),
            presence=Presence(),
            leadership=AlwaysLeading(),
        )
        await one.agree()
        await one.set_stage(StageTold(lesson_id=due_lesson["id"], on_stage=[GUEST], relay_id="a"))
        await scenario(one, placement, sent)

    return lambda scenario: asyncio.run(run(scenario))


def test_the_relay_that_takes_over_from_a_lost_one_knows_who_was_on_stage(
    conduct: Any, due_lesson: Any, parts: Any
) -> None:
    async def scenario(conductor: Conductor, placement: Anywhere, sent: Sent) -> None:
        placement.relay_id = "b"
        await conductor.agree()
        assert sent.stage("b") == [(GUEST, True)]
        assert sent.stage("a") == []
        # It slept, and wakes: what it says is old.
        await conductor.set_stage(StageTold(lesson_id=due_lesson["id"], on_stage=[VILLAGE], relay_id="a"))
        await conductor.agree()
        assert sent.stage("b") == [(GUEST, True)]
        assert written(parts) == {due_lesson["id"]: [GUEST]}

    conduct(scenario)


def test_who_comes_and_goes_while_a_lesson_is_handed_over_does_so_where_it_goes(conduct: Any, due_lesson: Any) -> None:
    async def scenario(conductor: Conductor, placement: Anywhere, sent: Sent) -> None:
        placement.alive = {"a", "b"}
        placement.relay_id = "b"
        await conductor.agree()
        await conductor.set_stage(StageTold(lesson_id=due_lesson["id"], on_stage=[VILLAGE], relay_id="a"))
        assert sent.stage("b") == [(GUEST, True), (GUEST, False), (VILLAGE, True)]

    conduct(scenario)


def test_a_relay_of_the_former_version_tells_only_when_it_hands_over(conduct: Any, due_lesson: Any) -> None:
    async def scenario(conductor: Conductor, placement: Anywhere, sent: Sent) -> None:
        placement.alive = {"a", "b"}
        placement.relay_id = "b"
        await conductor.agree()
        await conductor.set_stage(StageTold(lesson_id=due_lesson["id"], on_stage=[GUEST, VILLAGE]))
        assert sent.stage("b") == [(GUEST, True), (VILLAGE, True)]

    conduct(scenario)


def test_a_lesson_that_ends_just_after_its_relay_was_heard_first_is_closed_there(
    conduct: Any, due_lesson: Any, parts: Any
) -> None:
    async def scenario(conductor: Conductor, _placement: Anywhere, sent: Sent) -> None:
        conductor.forget("a")
        with parts.database.unit_of_work() as session:
            session.get_one(Lesson, due_lesson["id"]).state = "cancelled"
        await conductor.agree()
        assert [command.type for command in sent.commands["a"]][-1] == "close_lesson"

    conduct(scenario)


def test_a_relay_that_began_anew_is_told_everything_once_more(conduct: Any) -> None:
    async def scenario(conductor: Conductor, _placement: Anywhere, sent: Sent) -> None:
        sent.commands["a"].clear()
        conductor.forget("a")
        await conductor.agree()
        await conductor.agree()
        assert [command.type for command in sent.commands["a"]] == ["open_lesson", "set_on_stage"]

    conduct(scenario)
