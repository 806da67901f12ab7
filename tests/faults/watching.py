"""What an operator sees of a fault: health of a replica that is not struck, and what the processes log."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
from fleet.deployment import Deployment

LOOK_EVERY_S = 0.25
ANSWER_WITHIN_S = 2.0
CARRIED = re.compile(r'^three_classrooms_relay_lessons\{relay="([^"]+)"\} (\S+)$', re.MULTILINE)
LOUD = re.compile(r"^[\d:.]+ (WARNING|ERROR|CRITICAL) |^Traceback ")


class Watch:
    """Health by time, and loud lines by process, while it is entered."""

    def __init__(self, deployment: Deployment, client: httpx.AsyncClient) -> None:
        self._deployment = deployment
        self._client = client
        self._places = {process.name: _size(process.log) for process in deployment.processes}
        self.seen: list[tuple[float, frozenset[str]]] = []
        """When health had which reasons; one that gave no answer in time has the reason `no answer`."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look again and again."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    def is_well_for(self, seconds: float) -> bool:
        """Whether nothing was amiss during the last seconds."""
        since = time.monotonic() - seconds
        lately = [reasons for at, reasons in self.seen if at >= since]
        return bool(lately) and not any(lately)

    def still_ill(self) -> list[str]:
        """What was amiss at the last look."""
        return sorted(self.seen[-1][1]) if self.seen else []

    def shown_after_s(self, reason: str, begun: float) -> float | None:
        """Seconds until health gave the reason; None when it never did."""
        found = next((at - begun for at, reasons in self.seen if at > begun and reason in reasons), None)
        return None if found is None else round(found, 1)

    def well_after_s(self, ended: float) -> float | None:
        """Seconds from the fault's end until nothing was amiss for good; None when something is still."""
        if not self.seen or self.seen[-1][1]:
            return None
        last_ill = max((at for at, reasons in self.seen if reasons), default=ended)
        return round(max(0.0, last_ill - ended), 1)

    def ended(self) -> list[str]:
        """Processes that are not there any more, and nobody ended them."""
        return [process.name for process in self._deployment.processes if not process.is_running]

    def last_words(self) -> Iterator[str]:
        """What those said at last."""
        for process in self._deployment.processes:
            if not process.is_running:
                yield f"{process.name} ended by itself; it said:\n{process.log.read_text(errors='replace')[-3000:]}"

    async def carried(self) -> dict[str, int]:
        """How many lessons each relay has open, by its last heartbeat. Raises httpx.HTTPError."""
        token = self._deployment.environment["THREE_CLASSROOMS_METRICS_TOKEN"]
        url = f"{self._deployment.replicas[-1].ready['url']}/api/metrics"
        answer = await self._client.get(url, headers={"Authorization": f"Bearer {token}"})
        found = CARRIED.findall(answer.raise_for_status().text)
        return {relay_id: int(float(lessons)) for relay_id, lessons in found}

    def unanswered(self) -> int:
        """How often health gave no answer in time."""
        return sum("no answer" in reasons for _at, reasons in self.seen)

    def loud_lines(self) -> Counter[str]:
        """Warnings, errors and tracebacks since the beginning, by process."""
        return Counter(
            {process.name: len(list(self._lines(process.name, process.log))) for process in self._deployment.processes}
        )

    def told(self) -> Iterator[str]:
        """Those lines."""
        for process in self._deployment.processes:
            yield from (f"{process.name}: {line}" for line in self._lines(process.name, process.log))

    def _lines(self, name: str, log: Path) -> Iterator[str]:
        with log.open("rb") as file:
            file.seek(self._places[name])
            for line in file.read().decode(errors="replace").splitlines():
                if LOUD.match(line):
                    yield line

    async def _look(self) -> None:
        while True:
            self.seen.append((time.monotonic(), await self._reasons()))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _reasons(self) -> frozenset[str]:
        url = f"{self._deployment.replicas[-1].ready['url']}/api/health"
        try:
            answer = await self._client.get(url, timeout=ANSWER_WITHIN_S)
            return frozenset(answer.json()["reasons"])
        except (httpx.HTTPError, ValueError, KeyError):
            return frozenset({"no answer"})


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
