"""The life of a headless classroom: pair if need be, then join whatever lesson is due, one after the other."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from media.room_client.device import DeviceService, keep_token, read_token
from media.room_client.encoding import VideoCodec
from media.room_client.errors import ConnectionLostError, RefusedError, RoomError
from media.room_client.reception import Decoding
from media.room_client.room_client import FIRST_WAIT_S, LONGEST_WAIT_S, RoomClient

PAIRING_POLL_S = 2.0
# Should the server never call a code expired, a new one is asked for after this many polls.
PAIRING_POLLS = 450
LESSON_POLL_S = 3.0


def print_line(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class RoomOptions:
    """How a headless classroom runs. Without `token` the one in `token_file` is used; without that the room pairs."""

    url: str
    token_file: Path | None = None
    token: str | None = None
    name: str | None = None
    "What is burnt into the picture; the room's own name by default."
    size: tuple[int, int] = (640, 360)
    preferred_codec: VideoCodec = "h264"
    decoding: Decoding = "none"
    report: Callable[[str], None] = print_line
    lesson_poll_s: float = LESSON_POLL_S
    pairing_poll_s: float = PAIRING_POLL_S


async def run_room(options: RoomOptions) -> None:
    """Run until cancelled; on cancellation a running lesson is left properly.

    Raises RoomError, whose text can be shown, if the address is wrong, the given token is not good, or the token file
    cannot be written. A server that is down is waited for; a token from the file that was revoked leads to pairing.
    """
    kept = read_token(options.token_file, options.url) if options.token_file else None
    service = DeviceService(options.url, options.token or kept)
    try:
        while True:
            try:
                name = await _identify(service, options)
                await _attend_lessons(service, name, options)
            except RefusedError as error:
                if options.token or error.code != "not_allowed":
                    raise
                options.report("This room is not paired any more.")
                service.token = None
    finally:
        await service.close()


async def _identify(service: DeviceService, options: RoomOptions) -> str:
    """Pair if there is no token; the room's name."""
    wait = Waiting(options)
    while True:
        try:
            if service.token is None:
                await _pair(service, options)
            name = await service.room_name()
        except ConnectionLostError as error:
            await wait.after(error)
        else:
            options.report(f"This room is {name}.")
            return options.name or name


async def _pair(service: DeviceService, options: RoomOptions) -> None:
    while service.token is None:
        pairing = await service.begin_pairing()
        options.report(f"Pairing code: {pairing.code}")
        for _ in range(PAIRING_POLLS):
            if await service.poll_pairing(pairing) != "waiting":
                break
            await asyncio.sleep(options.pairing_poll_s)
    if options.token_file is not None:
        try:
            keep_token(options.token_file, options.url, service.token)
        except OSError as error:
            raise RoomError(f"the token cannot be kept in {options.token_file}: {error.strerror or error}") from error


async def _attend_lessons(service: DeviceService, name: str, options: RoomOptions) -> None:
    wait = Waiting(options)
    over: set[str] = set()
    while True:
        try:
            lesson_id = await service.current_lesson_id()
            wait.reset()
        except ConnectionLostError as error:
            await wait.after(error)
            continue
        if lesson_id is not None and lesson_id not in over and service.token is not None:
            options.report(f"Joining the lesson {lesson_id}.")
            outcome = await _attend(service.token, lesson_id, name, options)
            options.report(f"The lesson {lesson_id} is over for this room: {outcome}.")
            if outcome == "replaced":
                # Somebody else plays this room now; coming back would throw them out again.
                over.add(lesson_id)
        await asyncio.sleep(options.lesson_poll_s)


async def _attend(token: str, lesson_id: str, name: str, options: RoomOptions) -> str:
    client = RoomClient(
        options.url,
        token,
        lesson_id,
        name=name,
        seed=f"{name} {token[:8]}",
        size=options.size,
        preferred_codec=options.preferred_codec,
        decoding=options.decoding,
    )
    running = asyncio.ensure_future(client.run())
    try:
        return await asyncio.shield(running)
    except RefusedError as error:
        # Should the token be revoked, the next question for a lesson tells.
        if error.code == "bad_address":
            raise
        return str(error)
    except asyncio.CancelledError:
        await client.leave()
        await asyncio.gather(running, return_exceptions=True)
        raise


class Waiting:
    """Longer and longer waits while the server is down, told once."""

    def __init__(self, options: RoomOptions) -> None:
        self._options = options
        self._wait_s = FIRST_WAIT_S
        self._told = False

    async def after(self, error: ConnectionLostError) -> None:
        """Wait before the next attempt."""
        if not self._told:
            self._options.report(f"Waiting: {error}")
            self._told = True
        await asyncio.sleep(self._wait_s)
        self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)

    def reset(self) -> None:
        """The server answered."""
        self._wait_s = FIRST_WAIT_S
        self._told = False
