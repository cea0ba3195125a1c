import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.errors import ConfigError, StartFailed
from chatd.files.claim import Claim

_HOLD = """
import sys, pathlib
from chatd.files.claim import Claim
held = Claim(pathlib.Path(sys.argv[1]), "it", "another")
print(held.place, flush=True)
input()
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with (
        Claim(path, "the place", "chatd all, node n, pid 1"),
        pytest.raises(StartFailed, match=r"^the place is in use by chatd all, node n, pid 1$"),
    ):
        Claim(path, "the place", "chatd all, node m, pid 2")
    with Claim(path, "the place", "x"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_dead_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    place = holder.stdout.readline().strip()
    with pytest.raises(StartFailed, match="in use by another"):
        Claim(path, "it", "me")
    holder.kill()
    holder.communicate()
    with Claim(path, "it", "me") as mine:
        assert mine.place == place, "the same place, one after the other"


def test_a_child_does_not_hold_it(tmp_path: Path) -> None:
    with Claim(tmp_path / "lock", "it", "parent"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        Claim(tmp_path / "lock", "it", "successor").release()
    finally:
        child.kill()
        child.wait()


def test_a_copy_is_another_place(tmp_path: Path) -> None:
    with Claim(tmp_path / "lock", "it", "me") as mine:
        shutil.copy(tmp_path / "lock", tmp_path / "copy")
        with Claim(tmp_path / "copy", "it", "me") as other:
            assert other.place != mine.place


def test_what_a_lock_file_says_is_not_trusted(tmp_path: Path) -> None:
    with Claim(tmp_path / "lock", "it", "me"):
        (tmp_path / "lock").write_bytes(b"x\n\x1b[31m\xff" + b"y" * 5000)
        with pytest.raises(StartFailed) as refused:
            Claim(tmp_path / "lock", "it", "me")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"it: .* cannot be opened: "):
        Claim(tmp_path / "file" / "lock", "it", "me")
    if os.path.exists("/sys"):
        with pytest.raises(StartFailed, match="cannot be opened"):
            Claim(Path("/sys/chatd/lock"), "it", "me")
