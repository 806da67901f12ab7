"""Which replica of the service leads: it alone places lessons, tells relays, and writes down what relays report."""

import asyncio
from typing import Protocol


class Leadership(Protocol):
    """Whether this process leads, now and later."""

    @property
    def held(self) -> bool:
        """Whether it leads now."""

    async def gained(self) -> None:
        """Wait until it leads."""

    async def lost(self) -> None:
        """Wait until it does not lead any more."""


class AlwaysLeading:
    """The leadership of the only process there is."""

    held = True

    async def gained(self) -> None:
        """At once."""

    async def lost(self) -> None:
        """Never."""
        await asyncio.Event().wait()
