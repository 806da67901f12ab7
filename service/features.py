"""The list of what the product consists of: the routers of its API and the tasks that run beside it.

A feature is plugged in here and nowhere else.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter

from service.api import health
from service.parts import Parts

ROUTERS: tuple[APIRouter, ...] = (health.router,)
"""Included under /api, in this order."""

BACKGROUND: tuple[Callable[[Parts], AbstractAsyncContextManager[None]], ...] = ()
"""Entered in order when the application starts, left in reverse order when it stops."""
