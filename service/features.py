"""The list of what the product consists of: the routers of its API and the tasks that run beside it.

A feature is plugged in here and nowhere else.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter

from service.api import device, health, organisations, rooms, session, settings, setup, users
from service.parts import Parts

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    settings.router,
    setup.router,
    session.router,
    users.router,
    organisations.router,
    rooms.router,
    device.router,
)
"""Included under /api, in this order."""

BACKGROUND: tuple[Callable[[Parts], AbstractAsyncContextManager[None]], ...] = ()
"""Entered in order when the application starts, left in reverse order when it stops."""
