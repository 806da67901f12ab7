"""Who plans neighbourhoods again: this process itself, or processes of its own that each keep a copy of the plan.

Jobs are answered in the order they were handed in and go to the workers by turns, so which worker was faster makes no
difference to what comes out.
"""

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.subproblem import Aim, Effort, Outcome, replan

JOBS_AHEAD = 2
Options = Mapping[int, Sequence[int]]


class CrewLostError(Exception):
    """A worker ended (killed, out of memory); whoever has the plan goes on without the crew."""


@dataclass(frozen=True, slots=True)
class Job:
    """Demands to plan again, the floors of schools, and which of the sets of promising options to look at."""

    demands: Sequence[int]
    effort: Effort
    floors: Mapping[int, int]
    promising: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job: for each demand that should change, its options afterwards."""

    outcome: Outcome
    changes: Options


class Crew(Protocol):
    """Takes jobs and answers them in order."""

    depth: int
    """How many jobs may be under way at once."""

    def submit(self, job: Job) -> None:
        """Hands a job in."""

    def answer(self, wait_s: float) -> Answer | None:
        """The answer to the oldest job, None if it is not there after so many seconds. Raises CrewLostError."""

    def note(self, demands: Iterable[int]) -> None:
        """Tells that the plan of these demands has changed."""

    def close(self) -> None:
        """Ends the workers; jobs under way are given up."""


class OwnHands:
    """No workers: a job is done when its answer is asked for."""

    depth = 1

    def __init__(self, assignment: Assignment, promising: Sequence[bytes]) -> None:
        self._assignment, self._promising = assignment, promising
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Keeps the job."""
        self._jobs.append(job)

    def answer(self, wait_s: float) -> Answer | None:
        """Does the oldest job now."""
        del wait_s
        return _done(self._assignment, self._jobs.popleft(), self._promising)

    def note(self, demands: Iterable[int]) -> None:
        """Nobody else has a copy."""

    def close(self) -> None:
        """There is nothing to end."""


class ForkedCrew:
    """Forked processes; each is told before a job what has changed since its last one."""

    def __init__(self, assignment: Assignment, promising: Sequence[bytes], workers: int) -> None:
        self.depth = JOBS_AHEAD * workers
        self._assignment = assignment
        self._connections: list[Connection] = []
        self._processes: list[BaseProcess] = []
        self._dirty: list[set[int]] = [set() for _ in range(workers)]
        self._submitted = self._answered = 0
        # Forked: the compiled instance is shared, and a fork starts at once from the plan as it is.
        context = multiprocessing.get_context("fork")
        for _ in range(workers):
            ours, theirs = context.Pipe()
            self._connections.append(ours)
            arguments = (assignment, promising, theirs, list(self._connections))
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)

    def submit(self, job: Job) -> None:
        """Sends the job to the worker whose turn it is, with what has changed."""
        at = self._submitted % len(self._connections)
        changed = {demand: self._assignment.taken_of(demand) for demand in self._dirty[at]}
        self._dirty[at].clear()
        self._submitted += 1
        with suppress(OSError):  # a worker that is gone is noticed when its answer is asked for
            self._connections[at].send((changed, job))

    def answer(self, wait_s: float) -> Answer | None:
        """Waits for the oldest job's answer."""
        connection = self._connections[self._answered % len(self._connections)]
        try:
            if not connection.poll(wait_s):
                return None
            answer = connection.recv()
        except (EOFError, OSError) as error:
            raise CrewLostError("a process of the search ended") from error
        if not isinstance(answer, Answer):
            raise CrewLostError(f"a process of the search failed: {answer}")
        self._answered += 1
        return answer

    def note(self, demands: Iterable[int]) -> None:
        """Remembers what to tell each worker."""
        changed = set(demands)
        for untold in self._dirty:
            untold.update(changed)

    def close(self) -> None:
        """Ends the workers now."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
            process.close()
        self._connections, self._processes = [], []


def put(assignment: Assignment, plan: Options) -> None:
    """Gives these demands these options, which must fit once all of them have given up what they had."""
    for demand in plan:
        assignment.remove_demand(demand)
    for options in plan.values():
        for option in options:
            assignment.add(option)


def _done(assignment: Assignment, job: Job, promising: Sequence[bytes]) -> Answer:
    """Plans the job's demands again and leaves the assignment as it was."""
    before = {demand: assignment.taken_of(demand) for demand in job.demands}
    outcome = replan(assignment, job.demands, job.effort, Aim(job.floors, promising=promising[job.promising]))
    changes = {demand: after for demand in before if (after := assignment.taken_of(demand)) != before[demand]}
    put(assignment, {demand: before[demand] for demand in changes})
    return Answer(outcome, changes)


def _work(assignment: Assignment, promising: Sequence[bytes], jobs: Connection, not_ours: Sequence[Connection]) -> None:
    gc.freeze()  # what came with the fork stays shared only while nothing touches it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that has the plan
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for connection in not_ours:
        connection.close()
    while True:
        try:
            changed, job = jobs.recv()
        except (EOFError, OSError):
            return
        put(assignment, changed)
        try:
            answer: object = _done(assignment, job, promising)
        except Exception as error:  # told to the process that has the plan, which can go on without this one
            answer = f"{type(error).__name__}: {error}"
        with suppress(OSError):
            jobs.send(answer)
