"""A job whose database goes away is done when it is back; one that breaks is said and passed over."""

import asyncio
import time

import pytest
from sqlalchemy.exc import OperationalError

from service.jobs import queue
from service.jobs.queue import JobQueue


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "TRY_AGAIN_S", 0.01)


def away() -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("away"))


def test_a_job_waits_for_the_database_and_is_done_once(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[str] = []

    def work(argument: str) -> None:
        tried.append(argument)
        if len(tried) < 4:
            raise away()

    async def put_and_wait() -> None:
        jobs = JobQueue("work", work)
        async with jobs.running():
            jobs.put("a")
            while len(tried) < 4:  # noqa: ASYNC110 - on another thread
                await asyncio.sleep(0.01)
            jobs.put("b")
            while len(tried) < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(put_and_wait(), 10))
    assert tried == ["a"] * 4 + ["b"]
    assert not caplog.records  # that it is away is said once, elsewhere


def test_a_queue_that_is_left_does_not_wait_for_the_database() -> None:
    tried: list[str] = []

    def work(argument: str) -> None:
        tried.append(argument)
        raise away()

    async def scenario() -> float:
        jobs = JobQueue("work", work)
        async with jobs.running():
            jobs.put("a")
            while not tried:  # noqa: ASYNC110 - on another thread
                await asyncio.sleep(0.01)
            left = time.monotonic()
        return time.monotonic() - left

    assert asyncio.run(scenario()) < 2


def test_a_job_that_breaks_is_said_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def work(argument: str) -> None:
        if argument == "bad":
            raise ValueError(argument)
        done.append(argument)

    async def scenario() -> None:
        jobs = JobQueue("work", work)
        async with jobs.running():
            jobs.put("bad")
            jobs.put("good")
            while not done:  # noqa: ASYNC110 - on another thread
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert "the job work(bad) broke" in caplog.text
