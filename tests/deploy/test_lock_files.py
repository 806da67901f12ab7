"""The lock files hold for the oldest Python they are meant for, Debian 12's 3.11.2: pip takes nothing unlisted."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DEBIAN = {"python_version": "3.11", "python_full_version": "3.11.2"}
REMEDY = "compile it with `uv pip compile --python-version 3.11.0`"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def holds(marker: Marker | None) -> bool:
    return marker is None or marker.evaluate({**default_environment(), **DEBIAN, "extra": ""})


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_what_a_package_needs_on_debians_python_is_listed(file):
    pinned = dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / file).read_text()))
    listed = {canonical(name): version for name, version in pinned.items()}
    # Where the two files pin different versions, one of them is installed here and can be asked.
    here = {canonical(one.name): one for one in distributions()}
    needed = {
        canonical(requirement.name): name
        for name, version in listed.items()
        if name in here and here[name].version == version
        for requirement in map(Requirement, here[name].requires or ())
        if holds(requirement.marker)
    }
    assert "async-timeout" in needed  # of Redis's client: else this test looks at nothing
    assert {name: of for name, of in needed.items() if name not in listed} == {}, REMEDY
