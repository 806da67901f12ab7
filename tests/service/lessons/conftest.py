"""Every test of lessons runs on both databases: this folder is the contract both keep."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: Any, tmp_path: Any, empty_database_file: Any) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path / "test.sqlite3"
        file.write_bytes(empty_database_file.read_bytes())
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgresql")
    with server.copy_of_template(f"t_{uuid4().hex}") as url:
        yield url
