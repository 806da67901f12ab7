"""All checks in the order of the report; none of them changes anything that stays."""

from collections.abc import Callable, Iterator

from service.configuration import Configuration
from service.preflight.findings import Finding
from service.preflight.machine import check_clock, check_data_folder, check_tcp_port, check_udp_port
from service.preflight.stores import check_database, check_recordings_store, check_redis
from service.preflight.ways_in import check_public_address, check_turn

Check = Callable[[Configuration], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_data_folder,
    check_clock,
    check_tcp_port,
    check_udp_port,
    check_database,
    check_redis,
    check_recordings_store,
    check_public_address,
    check_turn,
)


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Run every check, one after the other, and give what each finds as soon as it is known."""
    for check in CHECKS:
        yield from check(configuration)
