"""A small ext4 file system on a loop device, and what is left of it when the power goes.

A write that has reached the device is in the image file; one that only sits in the file system's
page cache is not. So a copy of the image, taken while the writer stands still, is the disk as a
power cut leaves it: mounted again, its journal is replayed, and nothing that was not synced is
there.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 48 * 1_048_576


def why_not() -> str:
    """Why this cannot be done here; empty when it can."""
    if os.getuid() != 0:
        return "mounting needs root"
    missing = [name for name in ("mkfs.ext4", "mount", "umount", "losetup") if shutil.which(name) is None]
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


def _do(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def make(image: Path) -> None:
    """A fresh, empty file system."""
    with image.open("wb") as file:
        file.truncate(SIZE)
    _do("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(image))


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The image's file system at ``folder``; unmounted, and its loop device freed, also when
    interrupted while mounting."""
    folder.mkdir(exist_ok=True)
    try:
        _do("mount", "-o", "loop", str(image), str(folder))
        yield folder
    finally:
        if os.path.ismount(folder):
            _do("umount", "-l", str(folder))


def stand_still(pid: int) -> None:
    """Return when none of a stopped process's threads runs any more: one in an fsync stops only
    when that is done."""
    deadline = time.monotonic() + 20
    while True:
        states = {
            stat.read_text().rpartition(")")[2].split()[0]
            for stat in Path(f"/proc/{pid}/task").glob("*/stat")
        }
        if states == {"T"}:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {pid} does not stop: its threads are {states}")
        time.sleep(0.001)


def _written(image: Path) -> tuple[int, bool]:
    """The number of writes that the image's loop device has finished, and whether one is under
    way."""
    device = Path(_do("losetup", "-n", "-O", "NAME", "-j", str(image)).strip())
    fields = (Path("/sys/block") / device.name / "stat").read_text().split()
    return int(fields[4]), fields[8] != "0"


def cut(image: Path, copy: Path) -> int:
    """The disk as it is at one moment. Its writers must stand still; the file system itself may
    not, so a copy during which the device was written is taken again. The second value is the
    number of copies that were taken again."""
    for again in range(100):
        before, busy = _written(image)
        if busy:
            time.sleep(0.001)
            continue
        _do("cp", "--sparse=always", str(image), str(copy))
        if _written(image) == (before, False):
            return again
    raise RuntimeError("the device is written all the time")
