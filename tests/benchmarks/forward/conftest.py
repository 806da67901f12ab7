"""What the benchmark's own tests share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from benchmarks.forward.generator import Generator
from benchmarks.forward.loads import Load
from benchmarks.forward.network import LOOPBACK


@pytest.fixture
def with_generator() -> Callable[[Load, Callable[[Generator], Coroutine[Any, Any, None]]], None]:
    """Run a coroutine with a generator for a load on loopback, and close it."""

    def run(load: Load, scenario: Callable[[Generator], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            generator = Generator(load, LOOPBACK)
            try:
                await scenario(generator)
            finally:
                generator.close()

        asyncio.run(whole())

    return run
