"""Whole files. Their durability itself is tested by power cuts (tests/durability); here is the
order in which things reach the disk."""

import os
from pathlib import Path

import pytest

from chatd.files.durable import make_folder, replace_file, write_file, write_new_file


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps in their order: every fsync of a file or folder, and every name that appears."""
    done: list[str] = []
    fsync, link, rename = os.fsync, os.link, os.replace

    def spy_fsync(handle: int) -> None:
        path = os.readlink(f"/proc/self/fd/{handle}")
        done.append("folder" if os.path.isdir(path) else f"content of {os.fstat(handle).st_size} bytes")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spy_fsync)

    def spy_link(old: Path, new: Path) -> None:
        done.append("name")
        link(old, new)

    def spy_rename(old: Path, new: Path) -> None:
        done.append("name")
        rename(old, new)

    monkeypatch.setattr(os, "link", spy_link)
    monkeypatch.setattr(os, "replace", spy_rename)
    return done


def test_the_content_is_on_the_disk_before_the_name(tmp_path: Path, order: list[str]) -> None:
    assert write_new_file(tmp_path / "new", "abc")
    write_file(tmp_path / "new", "abcd")
    assert order == ["content of 3 bytes", "name", "folder", "content of 4 bytes", "name", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("first")
    assert not write_new_file(tmp_path / "file", "second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("chatd.files.durable.sync_folder", lambda path: None)
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_file(tmp_path / "file", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_folders_are_synced_in_those_above_them(tmp_path: Path, order: list[str]) -> None:
    make_folder(tmp_path / "a" / "b")
    assert order == ["folder", "folder"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_replaced_keeps_its_owner_and_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(path, 12_345, 12_346)
    before = path.stat()
    replace_file(path, "new")
    now = path.stat()
    assert path.read_text() == "new"
    assert (now.st_mode, now.st_uid, now.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert list(tmp_path.iterdir()) == [path]
