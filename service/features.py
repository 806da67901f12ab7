"""The list of what the product consists of: the routers of its API and the tasks that run beside it.

A feature is plugged in here and nowhere else.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter

from service.api import (
    audit,
    calendars,
    changes,
    comparisons,
    connections,
    critiques,
    device,
    events,
    exchange,
    health,
    lessons,
    live,
    metrics,
    notes,
    notices,
    observations,
    organisations,
    planning,
    recording_handouts,
    recording_policies,
    recording_sharing,
    recordings,
    relays,
    replay_timeline,
    rooms,
    rubrics,
    samples,
    school_calendar,
    session,
    settings,
    setup,
    usage,
    users,
    week,
)
from service.background import (
    conduct_lessons,
    digest_recordings,
    make_handouts,
    make_plans,
    make_recordings,
    tend_recording_notices,
    watch_running_lessons,
    watch_standing,
    write_usage,
)
from service.parts import Parts

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    settings.router,
    setup.router,
    session.router,
    users.router,
    organisations.router,
    school_calendar.router,
    rooms.router,
    device.router,
    lessons.router,
    live.router,
    connections.router,
    recordings.router,
    recording_handouts.router,
    recording_sharing.router,
    recording_policies.router,
    notes.router,
    rubrics.router,
    critiques.router,
    comparisons.router,
    samples.router,
    observations.router,
    replay_timeline.router,
    usage.router,
    relays.router,
    metrics.router,
    planning.router,
    changes.router,
    calendars.router,
    exchange.router,
    events.router,
    notices.router,
    week.router,
    audit.router,
)
"""Included under /api, in this order."""

Task = Callable[[Parts], AbstractAsyncContextManager[None]]

JOBS: tuple[Task, ...] = (make_recordings, make_handouts, digest_recordings, make_plans)
"""What a worker does in a deployment of several processes."""
BACKGROUND: tuple[Task, ...] = (
    write_usage,
    *JOBS,
    watch_running_lessons,
    tend_recording_notices,
    watch_standing,
    conduct_lessons,
)
"""Entered in order when the application starts, left in reverse order when it stops."""
