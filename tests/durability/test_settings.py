"""chatd does not start on a server whose settings would lose what it acknowledges, and says which setting that is."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import cluster


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused_by_name(postgres_uri: str, tmp_path: Path, setting: str) -> None:
    """The whole server has to be started so: no database of the shared cluster can be."""
    with cluster(f"-c {setting}=off") as running:
        assert running is not None, "postgres_uri has skipped the test where PostgreSQL is missing"
        environment = {
            "CHATD_DATA_DIR": str(tmp_path),
            "DB_URI": running.uri(running.new_database()),
            "GATEWAY_URI": "tcp://127.0.0.1:*",
            "PATH": "",
        }
        done = subprocess.run(
            [sys.executable, "-m", "chatd", "all"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert f"PostgreSQL's {setting} is 'off', must be on: acknowledged events could be lost" in done.stderr
    assert "Traceback" not in done.stderr
