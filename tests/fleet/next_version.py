"""The next version of the program, as an upgrade would bring it: a copy whose schema is one addition ahead."""

import os
import shutil
from pathlib import Path

import service
from service.storage.support import FIRST

ROOT = Path(service.__file__).parents[1]
COLUMN = "remark"
REVISION = "next_version"

MIGRATION = '''"""Lessons have a remark."""

import sqlalchemy as sa
from alembic import op

revision: str = "{revision}"
down_revision: str | None = "{head}"
branch_labels = None
depends_on = None

phase: str = "expand"


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column("lessons", sa.Column("{column}", sa.String(20), nullable=True))
    op.create_index("ix_lessons_{column}", "lessons", ["{column}"])


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_lessons_{column}", "lessons")
    op.drop_column("lessons", "{column}")
'''
MODEL = """

Lesson.{column} = mapped_column("{column}", String(20), default="next", index=True)
"""


def make_next_version(folder: Path) -> dict[str, str]:
    """Copy the program, add a column with its migration, and give the environment that runs the copy."""
    shutil.copytree(ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("__pycache__", "web_app"))
    for name in ("media", "scheduler"):
        (folder / name).symlink_to(ROOT / name)
    versions = folder / "service" / "storage" / "migrations" / "versions"
    head = max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    assert head >= FIRST
    migration = MIGRATION.format(revision=REVISION, head=head, column=COLUMN)
    (versions / "9999_remark.py").write_text(migration)
    with (folder / "service" / "lessons" / "tables.py").open("a") as tables:
        tables.write(MODEL.format(column=COLUMN))
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), inherited)))}
