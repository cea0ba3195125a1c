"""Places with secrets that other users can read are named at start."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.daemon.exposure import exposed_mode
from tests.daemons import Daemon

SENTENCE = "Other users can read this"


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can reach: pytest closes its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_what_others_can_read(open_path: Path) -> None:
    folder, file = open_path / "folder", open_path / "folder" / "tokens.toml"
    folder.mkdir()
    file.write_text("")
    for folder_mode, file_mode, seen in (
        (0o755, 0o644, ("0755", "0644")),
        (0o711, 0o644, ("0711", "0644")),
        (0o711, 0o640, ("0711", "")),
        (0o700, 0o644, ("", "")),
        (0o750, 0o640, ("", "")),
    ):
        folder.chmod(folder_mode)
        file.chmod(file_mode)
        assert (exposed_mode(folder), exposed_mode(file)) == seen
    assert exposed_mode(open_path / "missing") == ""


def test_said_at_start(open_path: Path) -> None:
    folder, config = open_path / "data", open_path / "chatd.toml"
    folder.mkdir()
    folder.chmod(0o700)
    config.write_text('notify_webhook_secret = "s"\n')
    config.chmod(0o644)
    settings = {"LOG_FORMAT": "json", "CHATD_CONFIG": str(config)}
    with Daemon("all", folder, settings) as closed:
        assert named(closed.log) == [(str(config), "passwords")]
    folder.chmod(0o755)
    (folder / "tokens.toml").chmod(0o644)
    config.chmod(0o600)
    with Daemon("all", folder, settings, name="again") as opened:
        assert named(opened.log) == [(str(folder), "data"), (str(folder / "tokens.toml"), "tokens")]


def named(log: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if SENTENCE in line]
    return [(line["path"], line["holds"]) for line in lines]
