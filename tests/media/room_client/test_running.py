import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fake_live_service import TOKEN, FakeLiveService, fake_live_service, until

from media.room_client.errors import RefusedError, RoomError
from media.room_client.running import RoomOptions, run_room

Story = Callable[[FakeLiveService, list[str], RoomOptions], Awaitable[None]]


def tell(story: Story, token_file: Path) -> None:
    async def run() -> None:
        async with fake_live_service() as service:
            lines: list[str] = []
            options = RoomOptions(
                service.url, token_file, report=lines.append, lesson_poll_s=0.05, pairing_poll_s=0.05, size=(320, 180)
            )
            await story(service, lines, options)

    asyncio.run(run())


async def stop(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_new_room_shows_its_code_pairs_joins_and_keeps_its_token(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token.json"

    async def story(service: FakeLiveService, lines: list[str], options: RoomOptions) -> None:
        running = asyncio.create_task(run_room(options))
        await until(lambda: service.connections and service.connections[0].pictures > 2)
        assert lines[:2] == ["Pairing code: 482913", "This room is Room 3."]
        assert json.loads(path.read_text()) == {"url": service.url, "token": TOKEN}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await stop(running)
        await until(lambda: service.connections[0].messages[-1]["type"] == "leave")
        again = asyncio.create_task(run_room(options))
        await until(lambda: len(service.connections) == 2)
        assert service.pairings == 1
        await stop(again)

    tell(story, path)


def test_a_room_waits_for_its_lesson_and_for_the_next_one(tmp_path: Path) -> None:
    async def story(service: FakeLiveService, lines: list[str], options: RoomOptions) -> None:
        service.lesson_id = None
        running = asyncio.create_task(run_room(options))
        await until(lambda: "This room is Room 3." in lines)
        service.lesson_id = "first"
        await until(lambda: service.connections)
        service.lesson_id = "second"
        await service.connections[0].send("lesson_ended", reason="ended")
        await until(lambda: len(service.connections) == 2)
        joins = [connection.messages[0]["lesson_id"] for connection in service.connections]
        assert joins == ["first", "second"]
        await stop(running)

    tell(story, tmp_path / "token.json")


def test_a_replaced_room_does_not_throw_the_other_one_out_again(tmp_path: Path) -> None:
    async def story(service: FakeLiveService, lines: list[str], options: RoomOptions) -> None:
        running = asyncio.create_task(run_room(options))
        await until(lambda: service.connections)
        await service.connections[0].send("replaced")
        await until(lambda: any("replaced" in line for line in lines))
        await asyncio.sleep(0.3)
        assert len(service.connections) == 1
        await stop(running)

    tell(story, tmp_path / "token.json")


def test_a_revoked_room_shows_a_code_again(tmp_path: Path) -> None:
    async def story(service: FakeLiveService, lines: list[str], options: RoomOptions) -> None:
        service.lesson_id = None
        running = asyncio.create_task(run_room(options))
        await until(lambda: "This room is Room 3." in lines)
        service.token, service.polls_until_paired = "another", 1
        await until(lambda: service.pairings == 2 and lines[-1] == "This room is Room 3.")
        assert "This room is not paired any more." in lines
        await stop(running)

    tell(story, tmp_path / "token.json")


def test_a_server_that_is_down_is_waited_for(tmp_path: Path) -> None:
    async def run() -> None:
        lines: list[str] = []
        options = RoomOptions("http://127.0.0.1:9", tmp_path / "token.json", report=lines.append)
        running = asyncio.create_task(run_room(options))
        await until(lambda: lines)
        assert lines[0].startswith("Waiting: the server cannot be reached")
        assert not running.done()
        await stop(running)

    asyncio.run(run())


def test_a_given_token_that_is_not_good_and_a_file_that_cannot_be_written_are_errors_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def story(service: FakeLiveService, lines: list[str], options: RoomOptions) -> None:
        with pytest.raises(RefusedError, match="does not know this room"):
            await run_room(RoomOptions(service.url, token="bad", report=lines.append))
        with pytest.raises(RoomError, match="cannot be kept"):
            await run_room(options)

    tell(story, tmp_path / "file" / "token.json")
