"""Queues of background jobs on Redis through taskiq: put by any process, done by one worker each.

A job is acknowledged when it is done. While a worker is at it, it holds a lease, so that the same job put twice (those
who look for unfinished work do) is done once; a worker that dies lets it go within seconds.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from redis.asyncio import Redis
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from service.bus.connection import AWAY_ERRORS, back_off_s, connect, is_absence
from service.jobs.queue import JobQueue
from service.storage.base import new_id

log = logging.getLogger(__name__)

LEASE_S = 30.0
RENEW_EVERY_S = 8.0
ONCE_S = 120
"""A job that was put waits at most so long before it may be put again."""
KEPT_JOBS = 10_000
TRIES = 100


class RedisJobs:
    """All queues of one process; they are sent while `running`."""

    def __init__(self, url: str, namespace: str) -> None:
        self._url = url
        self._namespace = namespace
        self._queues: list[RedisJobQueue] = []

    def queue(self, name: str, work: Callable[[str], None]) -> "RedisJobQueue":
        """Make a queue of jobs of one kind."""
        queue = RedisJobQueue(name, work, self._url, self._namespace)
        self._queues.append(queue)
        return queue

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send what is put."""
        async with contextlib.AsyncExitStack() as stack:
            for queue in self._queues:
                await stack.enter_async_context(queue.sending())
            yield


class RedisJobQueue(JobQueue):
    """Jobs of one kind. `sending` in every process, `running` in a worker."""

    def __init__(self, name: str, work: Callable[[str], None], url: str, namespace: str) -> None:
        super().__init__(name, work)
        self._key = f"{namespace}:jobs.{name}"
        self._url = url
        self._worker = new_id()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._redis: Redis | None = None

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send what is put until left."""
        self._redis = connect(self._url)
        self._broker = RedisStreamBroker(
            self._url,
            queue_name=self._key,
            consumer_group_name="workers",
            consumer_id="0",
            maxlen=KEPT_JOBS,
            unacknowledged_lock_timeout=10,
            # A busy worker must not hold jobs that an idle one could do.
            xread_count=1,
            unacknowledged_batch_size=1,
        )

        async def job(argument: str) -> None:
            # taskiq names what it registers, and a method cannot be named.
            await self._do(argument)

        self._task = self._broker.register_task(job, task_name=self._name)
        pending: set[asyncio.Task[None]] = set()

        def put(argument: str) -> None:
            sent = asyncio.ensure_future(self._send(argument))
            pending.add(sent)
            sent.add_done_callback(pending.discard)

        self._loop, self._put = asyncio.get_running_loop(), put
        try:
            yield
        finally:
            self._loop = self._put = None
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            with contextlib.suppress(*AWAY_ERRORS):
                await self._broker.shutdown()
                await self._redis.aclose()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do jobs until left; then the one under way is waited for."""
        finish = asyncio.Event()
        self._over.clear()
        working = asyncio.create_task(self._work_for_ever(finish), name=self._name)
        try:
            yield
        finally:
            finish.set()
            self._over.set()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await asyncio.to_thread(self._pool.shutdown)

    async def _send(self, argument: str) -> None:
        assert self._redis is not None  # noqa: S101 - set while sending
        for failures in range(1, TRIES):
            try:
                if await self._redis.set(f"{self._key}.put.{argument}", "1", nx=True, ex=ONCE_S):
                    await self._task.kiq(argument)
            except Exception as error:
                if failures == 1:
                    log.log(_level_of(error), "the job %s(%s) waits for Redis: %s", self._name, argument, error)
                with contextlib.suppress(*AWAY_ERRORS):
                    await self._redis.delete(f"{self._key}.put.{argument}")
                await asyncio.sleep(back_off_s(failures))
            else:
                return
        log.error("the job %s(%s) could not be put; it is found again after a restart", self._name, argument)

    async def _work_for_ever(self, finish: asyncio.Event) -> None:
        failures = 0
        while not finish.is_set():
            try:
                await self._broker.startup()
                receiver = Receiver(self._broker, max_async_tasks=1, run_startup=False)
                await receiver.listen(finish)
                failures = 0
            except Exception as error:
                failures += 1
                if failures == 1:
                    log.log(_level_of(error), "jobs %s cannot be taken: %s", self._name, error)
                await asyncio.sleep(back_off_s(failures))

    async def _do(self, argument: str) -> None:
        assert self._redis is not None  # noqa: S101 - set while sending
        lease = f"{self._key}.lease.{argument}"
        if not await self._redis.set(lease, self._worker, nx=True, px=int(LEASE_S * 1000)):
            return  # somebody is at it
        await self._redis.delete(f"{self._key}.put.{argument}")
        renewing = asyncio.create_task(self._renew(lease))
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._run, argument)
        finally:
            renewing.cancel()
            with contextlib.suppress(*AWAY_ERRORS):
                await self._redis.delete(lease)

    async def _renew(self, lease: str) -> None:
        assert self._redis is not None  # noqa: S101 - set while sending
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            with contextlib.suppress(*AWAY_ERRORS):
                await self._redis.set(lease, self._worker, px=int(LEASE_S * 1000))


def _level_of(error: Exception) -> int:
    """That Redis is away is said once, by the bus."""
    return logging.INFO if is_absence(error) else logging.WARNING
