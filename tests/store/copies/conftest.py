from pathlib import Path

import pytest

from tests.store.release import fill


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The file of a SQLite database with something of everything."""
    path = tmp_path / "chatd.db"
    fill(f"sqlite:///{path}")
    return path
