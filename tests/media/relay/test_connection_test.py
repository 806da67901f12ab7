"""Lessons that only test a line end by themselves on the relay, should nobody be left to end them."""

import time

from media.contract import CONNECTION_TEST, OpenLesson


def opened(lesson_id: str, ends_at: float) -> OpenLesson:
    return OpenLesson(lesson_id=lesson_id, kind="synchronous", title="", recorded=False, starts_at=0, ends_at=ends_at)


def test_an_overdue_test_is_closed_and_a_lesson_is_not(run_school) -> None:
    async def scenario(school) -> None:
        await school.bus.command(opened("lesson1", time.time() - 60))
        await school.bus.command(opened(f"{CONNECTION_TEST}late", time.time() - 1))
        await school.bus.command(opened(f"{CONNECTION_TEST}running", time.time() + 60))
        await school.bus.event("lesson_closed", lesson_id=f"{CONNECTION_TEST}late")
        assert {event["lesson_id"] for event in school.bus.of_type("lesson_closed")} == {f"{CONNECTION_TEST}late"}
        assert school.relay.lessons == 2

    run_school(scenario)
