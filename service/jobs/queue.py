"""A queue of background jobs of one kind through taskiq's in-memory broker: blocking work, one job at a time."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable

from sqlalchemy.exc import OperationalError
from taskiq import InMemoryBroker

log = logging.getLogger(__name__)

TRY_AGAIN_S = 1.0
MOST_TRIES = 600

MakeQueue = Callable[[str, Callable[[str], None]], "JobQueue"]
"""Makes a queue of a name for work: in this process (`JobQueue` itself) or on Redis."""


class JobQueue:
    """Runs `work(argument)` on a thread of its own for every argument put; never on the event loop.

    What is put while the queue is not running is dropped: whoever owns the work keeps its state in the database and
    puts it again when the queue starts.
    """

    def __init__(self, name: str, work: Callable[[str], None]) -> None:
        self._name = name
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._put: Callable[[str], None] | None = None
        self._over = threading.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run jobs until left; then the one under way is waited for."""
        broker = InMemoryBroker(sync_tasks_pool_size=1)

        def job(argument: str) -> None:
            # taskiq names what it registers, and a method cannot be named.
            self._run(argument)

        task = broker.register_task(job, task_name=self._name)
        pending: set[asyncio.Task[object]] = set()

        def put(argument: str) -> None:
            sent = asyncio.ensure_future(task.kiq(argument))
            pending.add(sent)
            sent.add_done_callback(pending.discard)

        self._over.clear()
        await broker.startup()
        self._loop, self._put = asyncio.get_running_loop(), put
        try:
            yield
        finally:
            self._over.set()
            self._loop = self._put = None
            await asyncio.gather(*pending, return_exceptions=True)
            await broker.wait_all()
            await broker.shutdown()

    def put(self, argument: str) -> None:
        """Ask for a job; from any thread."""
        loop, put = self._loop, self._put
        if loop is not None and put is not None and not loop.is_closed():
            loop.call_soon_threadsafe(put, argument)

    def _run(self, argument: str) -> None:
        """Do the work; again while the database is away, for its state in there says that it is under way."""
        for tries in range(MOST_TRIES):
            try:
                self._work(argument)
            except OperationalError as error:
                if tries == 0:
                    log.info("the job %s(%s) waits for the database: %s", self._name, argument, error.orig)
                if self._over.wait(TRY_AGAIN_S):
                    return  # it is put again when the queue starts
            except Exception:
                log.exception("the job %s(%s) broke", self._name, argument)
                return
            else:
                return
        log.error("the job %s(%s) waited in vain for the database", self._name, argument)
