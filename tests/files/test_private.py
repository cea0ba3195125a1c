"""Private keys are their owner's alone."""

import os
from pathlib import Path

import pytest

from chatd.errors import ConfigError
from chatd.files.private import require_private


@pytest.mark.parametrize(
    ("mode", "private"),
    [(0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o620, False), (0o610, False)],
)
def test_its_owners_alone(tmp_path: Path, mode: int, private: bool) -> None:
    file = tmp_path / "key"
    file.touch()
    file.chmod(mode)
    if private:
        require_private(file, "the key")
    else:
        with pytest.raises(ConfigError, match=f"the key has mode {mode:04o}; .* chmod 600"):
            require_private(file, "the key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_another_owns_may_be_for_its_group(tmp_path: Path) -> None:
    """As root's file for chatd's group is, or a credential of systemd's."""
    file = tmp_path / "key"
    file.touch()
    os.chown(file, 12_345, 12_345)
    file.chmod(0o440)
    require_private(file, "the key")
    file.chmod(0o444)
    with pytest.raises(ConfigError):
        require_private(file, "the key")
