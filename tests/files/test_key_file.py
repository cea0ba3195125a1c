import os
from pathlib import Path

import pytest

from chatd.errors import ConfigError, StartFailed
from chatd.files.key_file import begin_rotation, end_rotation, load_keys


def test_a_key_is_made_once_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    keys = load_keys(path, create=True)
    assert load_keys(path, create=True).current.secret == keys.current.secret
    assert keys.newest.public == keys.current.public
    assert keys.current.secret.hex() in path.read_text()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_keys(tmp_path / "keys" / "a.key", create=True)
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "a.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    load_keys(path, create=True)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_keys(path, create=True)


def test_two_keys_are_good_while_one_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    old = load_keys(path, create=True).current.public
    keys = begin_rotation(path)
    assert [pair.public for pair in load_keys(path, create=False).pairs] == [old, keys.newest.public]
    assert keys.newest.public != old
    with pytest.raises(ConfigError, match="already"):
        begin_rotation(path)
    assert [pair.public for pair in end_rotation(path).pairs] == [keys.newest.public]
    assert load_keys(path, create=False).current.public == keys.newest.public
    with pytest.raises(ConfigError, match="not being changed"):
        end_rotation(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "secret = 5",
        'secret = "s3cret"',
        'next = "s3cret"',
        'secret = "s3cret',
        'other = "s3cret"',
        "\udcff",
    ],
)
def test_an_error_shows_no_secret(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.key"
    path.write_text(content, errors="surrogateescape")
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        load_keys(path, create=False)
    assert str(path) in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises((ConfigError, StartFailed), match="key file"):
        load_keys(tmp_path / "a.key", create=False)
