"""Jobs over a real Redis: put by one process, done once by a worker, also when they were put before it came."""

import asyncio
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from redis_server import RedisServer, running_redis

from service.jobs.redis_queue import RedisJobs


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


class Work:
    """Notes what it was given; waits in between while `gate` is closed."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, argument: str) -> None:
        self.begun.append(argument)
        assert self.gate.wait(10)
        self.done.append(argument)
        if argument == "broken":
            raise ValueError("this one breaks")

    async def has_begun(self, count: int) -> None:
        await reaches(self.begun, count)

    async def has_done(self, count: int) -> list[str]:
        await reaches(self.done, count)
        return sorted(self.done)


async def reaches(noted: list[str], count: int) -> None:
    for _ in range(500):
        if len(noted) >= count:
            break
        await asyncio.sleep(0.02)


def test_jobs_put_before_a_worker_came_are_done_once_and_a_broken_one_stops_nothing(redis: RedisServer) -> None:
    async def scenario() -> list[str]:
        namespace, work = uuid4().hex, Work()
        sender, worker = RedisJobs(redis.url, namespace), RedisJobs(redis.url, namespace)
        put_by, done_by = sender.queue("kind", work), worker.queue("kind", work)
        async with sender.running():
            for argument in ("one", "broken", "two", "two"):
                put_by.put(argument)
            await asyncio.sleep(0.2)
            async with worker.running(), done_by.running():
                await work.has_done(3)
                put_by.put("three")
                return await work.has_done(4)

    assert asyncio.run(scenario()) == ["broken", "one", "three", "two"]


def test_two_workers_do_not_do_the_same_job_at_one_time(redis: RedisServer) -> None:
    async def scenario() -> list[str]:
        namespace, work = uuid4().hex, Work()
        one, other = RedisJobs(redis.url, namespace), RedisJobs(redis.url, namespace)
        first, second = one.queue("kind", work), other.queue("kind", work)
        work.gate.clear()
        async with one.running(), other.running(), first.running(), second.running():
            first.put("same")
            await work.has_begun(1)
            second.put("same")
            await asyncio.sleep(0.1)
            second.put("other")
            await work.has_begun(2)  # the idle worker has passed over the one before it
            work.gate.set()
            await work.has_done(2)
            await asyncio.sleep(0.2)
            return sorted(work.done)

    assert asyncio.run(scenario()) == ["other", "same"]


def test_a_busy_worker_leaves_the_other_jobs_to_an_idle_one(redis: RedisServer) -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        namespace, slow, quick = uuid4().hex, Work(), Work()
        busy, idle = RedisJobs(redis.url, namespace), RedisJobs(redis.url, namespace)
        at_busy, at_idle = busy.queue("kind", slow), idle.queue("kind", quick)
        slow.gate.clear()
        async with busy.running(), idle.running():
            for number in range(6):
                at_busy.put(f"job {number}")
            await asyncio.sleep(0.3)  # all of them wait before anybody works
            async with at_busy.running():
                await slow.has_begun(1)
                async with at_idle.running():
                    await quick.has_done(5)
                    slow.gate.set()
                    await slow.has_done(1)
        return slow.done, sorted(quick.done)

    done_by_busy, done_by_idle = asyncio.run(scenario())
    assert len(done_by_busy) == 1
    assert sorted([*done_by_busy, *done_by_idle]) == [f"job {number}" for number in range(6)]


def test_the_job_under_way_is_finished_before_a_worker_ends(redis: RedisServer) -> None:
    async def scenario() -> list[str]:
        work = Work()
        jobs = RedisJobs(redis.url, uuid4().hex)
        queue = jobs.queue("kind", work)
        work.gate.clear()
        async with jobs.running():
            async with queue.running():
                queue.put("slow")
                await asyncio.sleep(0.4)
                asyncio.get_running_loop().call_later(0.2, work.gate.set)
            return list(work.done)

    assert asyncio.run(scenario()) == ["slow"]
