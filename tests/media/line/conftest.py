"""What the tests of the line share."""

from collections.abc import Callable

import pytest
from simulated_line import Run, simulate


@pytest.fixture(scope="module")
def simulated() -> Callable[..., Run]:
    """Run a lesson over a bottleneck."""
    return simulate
