"""The eleven faults: what is done away with, how, for how long, who may notice, and what must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fleet.deployment import Deployment
from fleet.light_room import LightRoom
from school_network import SchoolNetwork

SHORT_S = 5.0
"""For so long a part of which there are others is dead before it is started again."""


@dataclass(frozen=True)
class Fault:
    """What is done away with, how, and how it comes back."""

    name: str
    begin: Callable[[Deployment], None]
    end: Callable[[Deployment], None]
    lasts_s: float
    strikes: Callable[[Deployment, LightRoom, str], bool] = lambda *_: False
    """Whether the room may be interrupted, being on the relay of this id."""
    strikes_with_lead: bool = False
    """Whether rooms may notice, too, whose lead it strikes: nobody sees a lead that is away for seconds."""
    reason: str | None = None
    """What health gives as a reason meanwhile."""


def all_faults(freeze_s: float, network: SchoolNetwork | None) -> list[Fault]:
    """Kill and freeze each part, and part the first relay (in `network`, if there is one) from Redis."""
    faults = []
    for name, part, strikes, reason in (
        ("relay", lambda d: d.relays[0], _on_first_relay, "relay relay-0"),
        ("replica", lambda d: d.replicas[0], _on_first_replica, None),
        ("redis", lambda d: d.redis, _nobody, "redis"),
        ("postgresql", lambda d: d.postgresql, _nobody, "database"),
        ("worker", lambda d: d.workers[0], _nobody, "no worker"),
    ):
        away_s = freeze_s if name in {"redis", "postgresql"} else SHORT_S
        kill, start = (lambda d, p=part: p(d).kill()), (lambda d, p=part: p(d).start())
        freeze, thaw = (lambda d, p=part: p(d).freeze()), (lambda d, p=part: p(d).thaw())
        faults.append(Fault(f"kill {name}", kill, start, away_s, strikes, reason=reason))
        # A frozen worker is missed by nobody: what it was at waits, as it does for a busy one.
        shown = None if name == "worker" else reason
        faults.append(Fault(f"freeze {name}", freeze, thaw, freeze_s, strikes, name == "replica", shown))
    if network is not None:
        faults.append(
            Fault(
                "part relay from redis",
                lambda d: network.part(d.redis.port),
                lambda _: network.join(),
                freeze_s,
                _on_first_relay,
                reason="relay relay-0",
            )
        )
    return faults


def _on_first_relay(_deployment: Deployment, _room: LightRoom, relay_id: str) -> bool:
    return relay_id == "relay-0"


def _on_first_replica(deployment: Deployment, room: LightRoom, _relay_id: str) -> bool:
    return room.address == deployment.replicas[0].ready["url"]


def _nobody(*_: Any) -> bool:
    return False
