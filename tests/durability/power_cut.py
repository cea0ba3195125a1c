"""`python -m tests.durability.power_cut --cuts 100`: the power goes while events are being
acknowledged; none of them may be missing afterwards.

FULL is the product: a `chatd all` whose data lies on a loop-mounted image. NORMAL, which chatd
refuses, is its store with that one setting turned down: it must be caught, or the test proves
nothing. SIGINT and SIGTERM take effect between two cuts, so nothing is left behind.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from chatd.store.database import Database
from tests.daemons import Daemon
from tests.durability import loop_image
from tests.durability.writers import full, normal


@dataclass
class Cut:
    """One power cut. ``lost``: events that had been acknowledged, and are not there or elsewhere in
    the log. ``wal_bytes``: what SQLite had to recover from."""

    acked: int
    lost: int
    wal_bytes: int
    problem: str = ""


def judge(copy: Path, folder: Path, acked: dict[str, int]) -> Cut:
    """Mount what is left, let SQLite recover as at chatd's start, look for every acknowledged event
    at its seq."""
    with loop_image.mounted(copy, folder):
        wal = folder / "chatd.db-wal"
        wal_bytes = wal.stat().st_size if wal.exists() else 0
        database = Database(f"sqlite:///{folder}/chatd.db")
        database.check()
        database.migrate()
        with database.connection(readonly=False):
            ((integrity,),) = database.rows("PRAGMA integrity_check")
            rows = database.rows("SELECT event_id, seq FROM room_event ORDER BY seq")
            head = database.rows("SELECT head_seq FROM room")
    found = dict(rows)
    problem = "" if integrity == "ok" else f"integrity: {integrity}"
    if [seq for _, seq in rows] != list(range(1, len(rows) + 1)) or (rows and head != [(len(rows),)]):
        problem = problem or "the log has a hole, or its head is elsewhere"
    return Cut(
        len(acked), sum(found.get(event_id) != seq for event_id, seq in acked.items()), wal_bytes, problem
    )


def cut_once(work: Path, mode: str, dice: random.Random) -> Cut:
    """A fresh file system, a writer, a cut at a random moment, a verdict."""
    image, copy = work / "disk", work / "copy"
    loop_image.make(image)
    starter = full if mode == "FULL" else normal
    with loop_image.mounted(image, work / "mount") as folder, starter(folder, work) as load:
        deadline = time.monotonic() + 20
        while len(load.acked) < 200:
            if time.monotonic() > deadline:
                raise RuntimeError("the writer acknowledges nothing")
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.3))
        os.kill(load.pid, signal.SIGSTOP)
        acked = dict(load.acked)  # before the copy begins
        loop_image.stand_still(load.pid)
        loop_image.cut(image, copy)
        os.kill(load.pid, signal.SIGKILL)
    return judge(copy, work / "recovered", acked)


@dataclass
class FirstStart:
    """A power cut during or after a first start. ``problem``: what is wrong with what is left;
    empty if nothing is."""

    tokens: str
    problem: str = ""


def cut_first_start(work: Path, seconds: float | None) -> FirstStart:
    """A fresh file system, a `chatd all` that makes all its folders and files there, a cut
    ``seconds`` after the token file has its name (None: once chatd is ready), and a second start on
    what is left."""
    image, copy = work / "disk", work / "copy"
    loop_image.make(image)
    with loop_image.mounted(image, work / "mount") as folder:
        data = folder / "made" / "data"
        daemon = Daemon("all", work, {"CHATD_DATA_DIR": data, "RUNTIME_DIR": work / "run"}).start(
            wait=seconds is None
        )
        deadline = time.monotonic() + 30
        while not (data / "tokens.toml").exists():
            if time.monotonic() > deadline:
                raise RuntimeError("chatd makes no token file")
            time.sleep(0.001)
        time.sleep(seconds or 0.0)
        os.kill(daemon.pid, signal.SIGSTOP)
        loop_image.stand_still(daemon.pid)
        written = (data / "tokens.toml").read_text()
        loop_image.cut(image, copy)
        daemon.kill()
    with loop_image.mounted(copy, work / "recovered") as folder:
        data = folder / "made" / "data"
        left = {path.name: path.read_text() for path in data.glob("*.toml")} if data.exists() else {}
        problem = (
            ""
            if left.get("tokens.toml") == written or (seconds is not None and not left)
            else f"of the token file is left: {left}"
        )
        again = Daemon("all", work, {"CHATD_DATA_DIR": data, "RUNTIME_DIR": work / "run"}, name="again")
        try:
            again.start()
        except RuntimeError as exc:
            problem = problem or str(exc)
        again.kill()
    return FirstStart(written, problem)


def interrupted() -> bool:
    """Whether somebody wants this to end."""
    return bool(signal.sigpending() & {signal.SIGINT, signal.SIGTERM})


def report(mode: str, cuts: list[Cut]) -> str:
    lossy = sum(bool(cut.lost or cut.problem) for cut in cuts)
    return (
        f"{mode}: {len(cuts)} cuts, {sum(cut.acked for cut in cuts):,} acknowledged events checked, "
        f"{sum(cut.lost for cut in cuts):,} lost "
        f"in {lossy} cuts, {sum(cut.wal_bytes > 0 for cut in cuts)} recoveries from a WAL"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.durability.power_cut", description=__doc__)
    parser.add_argument("--cuts", type=int, default=100, help="power cuts with FULL (default 100)")
    parser.add_argument("--normal", type=int, default=10, help="power cuts with NORMAL (default 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    options = parser.parse_args()
    signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM}
    )  # children too: only SIGKILL ends them
    reason = loop_image.why_not()
    if reason:
        print(f"not here: {reason}", file=sys.stderr)
        return 2
    dice = random.Random(options.seed)
    started = time.monotonic()
    totals: dict[str, list[Cut]] = {"FULL": [], "NORMAL": []}
    with tempfile.TemporaryDirectory(prefix="chatd-power-") as work:
        for mode, count in (("FULL", options.cuts), ("NORMAL", options.normal)):
            for number in range(count):
                if interrupted():
                    break
                cut = cut_once(Path(work), mode, dice)
                totals[mode].append(cut)
                if cut.lost or cut.problem or number % 10 == 9:
                    print(f"{mode} {number + 1}: {cut}", file=sys.stderr)
    for mode, cuts in totals.items():
        print(report(mode, cuts))
    print(
        f"seed {options.seed}, {time.monotonic() - started:.0f} seconds{', interrupted' if interrupted() else ''}"
    )
    if any(cut.lost or cut.problem for cut in totals["FULL"]):
        return 1
    if interrupted():
        return 130
    return 0 if not totals["NORMAL"] or any(cut.lost for cut in totals["NORMAL"]) else 1


if __name__ == "__main__":
    sys.exit(main())
