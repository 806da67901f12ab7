from pathlib import Path

import pytest
from made_journals import JournalFolder


@pytest.fixture
def journals(tmp_path: Path) -> JournalFolder:
    return JournalFolder(tmp_path / "journals")
