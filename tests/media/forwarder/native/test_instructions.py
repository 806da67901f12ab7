"""The packet core may not become slower unnoticed: instructions for each forwarded packet against a recorded baseline.

When a change is worth its price, record anew in the same commit: `make count-instructions ARGS=--record`.
"""

import importlib.util
import json
from pathlib import Path

import pytest

COUNT = Path(__file__).parents[4] / "tests/benchmarks/instructions/count.py"
MOST_GROWTH = 1.05


@pytest.fixture(scope="module")
def counting():
    """The benchmark's module."""
    spec = importlib.util.spec_from_file_location("count_instructions", COUNT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("fan_out", [3, 50])
def test_a_forwarded_packet_costs_no_more_instructions_than_recorded(counting, fan_out):
    recorded = json.loads(counting.BASELINE.read_text())[str(fan_out)]
    # Our own code only: what libcrypto spends depends on the processor.
    assert counting.count(fan_out)["own"] <= recorded["own"] * MOST_GROWTH
