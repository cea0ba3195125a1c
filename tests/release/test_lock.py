"""The lock goes with pyproject.toml, and it is noticed where it does not."""

import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from systemd.release import lock


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be damaged."""
    shutil.copytree(lock.FOLDER, tmp_path / "systemd" / "release" / "lock")
    shutil.copy(lock.ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "FOLDER", tmp_path / "systemd" / "release" / "lock")
    return tmp_path


def test_it_goes_with_the_requirements() -> None:
    assert lock.faults() == []


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda tree: _edit(tree / "pyproject.toml", "pyzmq>=27", "pyzmq>=28"), "other requirements"),
        (lambda tree: _edit(tree / "pyproject.toml", ">=3.11", ">=3.12"), "other requirements"),
        (lambda tree: (tree / "systemd/release/lock/jwt.txt").unlink(), "there is no jwt.txt"),
        (lambda tree: (tree / "systemd/release/lock/smtp.txt").write_text(""), "smtp.txt is no extra's"),
        (lambda tree: _edit(tree / "systemd/release/lock/jwt.txt", "==", ">="), "pins nothing"),
        (lambda tree: _edit(tree / "systemd/release/lock/nats.txt", "--hash=", "# "), "pins nothing"),
        (
            lambda tree: _edit(
                tree / "systemd/release/lock/nats.txt", "\nnats", "\n--index-url https://x/\nnats"
            ),
            "an address or an option",
        ),
    ],
)
def test_it_is_said_where_it_does_not(damage: Callable[[Path], None], said: str, tree: Path) -> None:
    damage(tree)
    assert said in " ".join(lock.faults())


def test_the_tests_run_with_it() -> None:
    """The packages that the Makefile has installed are those that the lock names."""
    pins = dict(
        line.split(" ")[0].split("==")
        for name in ("base", "dev")
        for line in (lock.FOLDER / f"{name}.txt").read_text().splitlines()
        if "==" in line and line[0].isalpha() and ";" not in line
    )
    assert len(pins) > 80
    assert {name: version(name) for name in pins} == pins
