"""Which relays are there, which is lost, where lessons go: by virtual time and over a real database."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from media.contract import RelayHeartbeat
from service.live.fleet import HEARD_ALL_AFTER_S, LOST_AFTER_S, STEADY_S, Fleet
from service.live.placement import FleetPlacement, Load, spread


class Clock:
    """Monotonic time a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def beat(relay_id: str, run_id: str = "run", capacity: int = 100, **fields: Any) -> RelayHeartbeat:
    counts = {"lessons": 0, "connections": 0, "tracks": 0, "packets_received": 0, "packets_forwarded": 0}
    return RelayHeartbeat(relay_id=relay_id, run_id=run_id, at=0, udp_port=1, capacity=capacity, **{**counts, **fields})


class Watched:
    """A fleet whose Redis answers and whose relays beat, except those that are silent."""

    def __init__(self, *relay_ids: str) -> None:
        self.clock = Clock()
        self.fleet = Fleet(self.clock)
        self.relay_ids = relay_ids

    def pass_time(self, seconds: float, *, silent: str = "", gone: str = "", redis: bool = True) -> None:
        for _ in range(round(seconds * 4)):
            self.clock.now += 0.25
            if redis:
                for relay_id in self.relay_ids:
                    if relay_id not in (silent, gone):
                        self.fleet.heard(beat(relay_id))
                self.fleet.redis_answered({relay_id: int(relay_id != gone) for relay_id in self.relay_ids})


@pytest.fixture
def watched() -> Watched:
    watched = Watched("a", "b")
    watched.pass_time(STEADY_S + 1)
    return watched


def test_a_relay_is_lost_after_some_silence_and_welcome_back(watched: Watched) -> None:
    watched.pass_time(LOST_AFTER_S - 0.5, silent="a")
    assert not watched.fleet.is_lost("a")
    watched.pass_time(1.0, silent="a")
    assert (watched.fleet.is_lost("a"), watched.fleet.is_lost("b")) == (True, False)
    assert watched.fleet.carriers() == {"b": 100}
    assert watched.fleet.heard(beat("a", run_id="next")) is True
    assert watched.fleet.carriers() == {"a": 100, "b": 100}


def test_one_that_was_killed_is_lost_sooner(watched: Watched) -> None:
    watched.pass_time(1.0, gone="a")
    assert not watched.fleet.is_lost("a")
    watched.pass_time(0.5, gone="a")
    assert watched.fleet.is_lost("a")


def test_nobody_is_lost_while_redis_is_silent_nor_right_after(watched: Watched) -> None:
    watched.pass_time(30, redis=False)
    assert not watched.fleet.is_lost("a")
    watched.pass_time(STEADY_S - 1, gone="a")
    assert not watched.fleet.is_lost("a")
    watched.pass_time(3, gone="a")
    assert watched.fleet.is_lost("a")


def test_a_relay_nobody_ever_heard_is_lost_only_after_patience() -> None:
    watched = Watched("a")
    assert not watched.fleet.is_lost("unknown")
    watched.pass_time(STEADY_S + LOST_AFTER_S)
    assert watched.fleet.is_lost("unknown")


def test_the_bell_is_spread_evenly_and_by_capacity() -> None:
    loads = [Load(f"lesson{n:03}", 3, is_live=False) for n in range(250)]
    homes = spread(loads, loads, {}, {"a": 400, "b": 400, "c": 200})
    assert Counter(homes.values()) == {"a": 100, "b": 100, "c": 50}


def test_lessons_of_a_lost_relay_are_spread_over_the_others() -> None:
    loads = [Load(f"lesson{n:03}", 3, is_live=True) for n in range(90)]
    placed = spread(loads, loads, {}, {"a": 100, "b": 100, "c": 100})
    homeless = [load for load in loads if placed[load.lesson_id] == "a"]
    homes = spread(homeless, loads, placed, {"b": 100, "c": 100})
    assert Counter(homes.values()) == {"b": 15, "c": 15}


class TestInTheDatabase:
    """Placements as the leading process keeps them."""

    @pytest.fixture
    def fleet(self) -> Watched:
        watched = Watched("a", "b")
        watched.pass_time(STEADY_S + 1)
        return watched

    @pytest.fixture
    def placement(self, parts: Any, fleet: Watched) -> FleetPlacement:
        return FleetPlacement(parts.database, fleet.fleet)

    def test_what_is_decided_stays_and_others_read_it(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any, fleet: Watched
    ) -> None:
        loads = [Load(due_lesson["id"], 3, is_live=False)]
        first = placement.decide(loads, clock.now())
        fleet.pass_time(3)
        assert placement.decide(loads, clock.now() + timedelta(minutes=1)) == first
        assert placement.look_up([due_lesson["id"], "another"]) == first.relays

    def test_who_has_just_begun_to_listen_places_nothing_until_all_relays_were_heard(
        self, parts: Any, due_lesson: Any, clock: Any
    ) -> None:
        watched = Watched("a", "b")
        placement = FleetPlacement(parts.database, watched.fleet)
        loads = [Load(due_lesson["id"], 3, is_live=False)]
        watched.pass_time(0.5, silent="b")
        assert watched.fleet.carriers() == {"a": 100}
        assert placement.decide(loads, clock.now()).relays == {}
        watched.pass_time(HEARD_ALL_AFTER_S)
        assert watched.fleet.carriers() == {"a": 100, "b": 100}
        assert placement.decide(loads, clock.now()).relays.keys() == {due_lesson["id"]}

    def test_after_an_absence_of_redis_nothing_is_placed_until_all_relays_were_heard_again(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any, fleet: Watched
    ) -> None:
        loads = [Load(due_lesson["id"], 3, is_live=False)]
        fleet.pass_time(30, redis=False)
        fleet.pass_time(0.5, silent="b")
        assert placement.decide(loads, clock.now()).relays == {}
        fleet.pass_time(HEARD_ALL_AFTER_S)
        assert placement.decide(loads, clock.now()).relays.keys() == {due_lesson["id"]}

    def test_a_lost_relays_lesson_moves_once(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any, fleet: Watched
    ) -> None:
        loads = [Load(due_lesson["id"], 3, is_live=True)]
        relay = placement.decide(loads, clock.now()).relays[due_lesson["id"]]
        fleet.pass_time(LOST_AFTER_S + 1, silent=relay)
        moved = placement.decide(loads, clock.now()).relays[due_lesson["id"]]
        assert {relay, moved} == {"a", "b"}
        fleet.pass_time(2)
        assert placement.decide(loads, clock.now()).relays[due_lesson["id"]] == moved

    def test_a_draining_relay_keeps_what_is_live_until_it_leaves(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any, fleet: Watched
    ) -> None:
        booked, live = (Load(due_lesson["id"], 3, is_live=is_live) for is_live in (False, True))
        relay = placement.decide([live], clock.now()).relays[due_lesson["id"]]
        other = "b" if relay == "a" else "a"
        fleet.fleet.heard(beat(relay, draining=True))
        assert placement.decide([live], clock.now()).relays[due_lesson["id"]] == relay
        fleet.fleet.heard(beat(relay, draining=True, leaving=True))
        assert placement.decide([live], clock.now()).relays[due_lesson["id"]] == other
        fleet.fleet.heard(beat(other, draining=True))
        fleet.fleet.heard(beat(relay))
        assert placement.decide([booked], clock.now()).relays[due_lesson["id"]] == relay

    def test_without_any_relay_nothing_moves(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any, fleet: Watched
    ) -> None:
        loads = [Load(due_lesson["id"], 3, is_live=True)]
        placed = placement.decide(loads, clock.now())
        fleet.relay_ids = ()
        fleet.pass_time(LOST_AFTER_S + STEADY_S)
        assert placement.decide(loads, clock.now()) == placed

    def test_a_lesson_that_is_over_is_left_over_until_its_relay_was_told(
        self, placement: FleetPlacement, due_lesson: Any, clock: Any
    ) -> None:
        relay = placement.decide([Load(due_lesson["id"], 3, is_live=True)], clock.now()).relays[due_lesson["id"]]
        assert placement.decide([], clock.now()).left_over == {due_lesson["id"]: relay}
        placement.closed(due_lesson["id"])
        assert placement.decide([], clock.now()).left_over == {}
