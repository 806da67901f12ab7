"""Work that is looked for every few seconds, so that nothing which was to be done is ever forgotten."""

import asyncio
import itertools
import logging
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

log = logging.getLogger(__name__)


class Sweep:
    """Calls `look` on a thread every `every_s` seconds until cancelled, whatever it raises.

    A database that is away is said once, with how many looks were missed when it is back: nobody needs a traceback
    every ten seconds.
    """

    def __init__(self, what: str, look: Callable[[], None], every_s: float) -> None:
        self._what = what
        self._look = look
        self._every_s = every_s
        self.missed = 0
        "Looks that failed since the last one that did not."

    async def for_ever(self, *, at_once: bool = False) -> None:
        """Look again and again; `at_once`: before the first pause, too."""
        for rounds in itertools.count():
            if rounds or not at_once:
                await asyncio.sleep(self._every_s)
            await asyncio.to_thread(self.once)

    def once(self) -> None:
        """Look; never raises."""
        try:
            self._look()
        except OperationalError as error:
            self.missed += 1
            if self.missed == 1:
                # That it is away is said once, by who watches it.
                log.info("%s wait for the database: %s", self._what, str(error.orig).strip().splitlines()[:1])
        except Exception:
            self.missed += 1
            log.exception("%s could not be looked for", self._what)
        else:
            if self.missed:
                log.info("%s are looked for again after %d misses", self._what, self.missed)
            self.missed = 0
