"""A small ext4 file system on a loop device, and what is left of it when the power goes.

What has reached the device is in the image file; what only sits in the file system's page cache is not. So a copy of the image, taken while the
writer stands still, is the disk as a power cut leaves it: mounted again, its journal is replayed, and nothing that was not synced is there.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 48 * 1_048_576


def why_not() -> str:
    """Why this cannot be done here; empty when it can."""
    if os.getuid() != 0:
        return "mounting needs root"
    missing = [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found"
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "probe"
        try:
            make(image)
            with mounted(image, Path(folder) / "mount"):
                return ""
        except RuntimeError as exc:
            return f"loop devices cannot be mounted: {exc}"


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")


def make(image: Path) -> None:
    """A fresh, empty file system."""
    with image.open("wb") as file:
        file.truncate(SIZE)
    _do("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(image))


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The image's file system at ``folder``."""
    folder.mkdir(exist_ok=True)
    _do("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _do("umount", "-l", str(folder))


def cut(image: Path, copy: Path) -> None:
    """The disk as it is at this moment. Whoever writes to it must stand still (SIGSTOP)."""
    _do("cp", "--sparse=always", str(image), str(copy))
