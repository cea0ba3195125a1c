"""A process's key pairs, in a file that its owner alone may read.

```toml
secret = "…"     # 64 hexadecimal digits
next = "…"       # while the key is changed: the one that follows
```

The public keys are made of these. While there are two, both are good.
"""

from dataclasses import dataclass
from pathlib import Path

from chatd.core.key_pair import KeyPair, new_key_pair
from chatd.core.toml import parse_toml
from chatd.errors import ConfigError, os_error
from chatd.files.durable import make_folder, write_file, write_new_file
from chatd.files.private import require_private

_HEAD = "# The secret key of a chatd process. Keep this file to yourself.\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """``following`` is there while the key is changed."""

    current: KeyPair
    following: KeyPair | None = None

    @property
    def pairs(self) -> tuple[KeyPair, ...]:
        """All that are good."""
        return (self.current,) if self.following is None else (self.current, self.following)

    @property
    def public(self) -> tuple[bytes, ...]:
        """The public keys of all that are good, the newest last."""
        return tuple(pair.public for pair in self.pairs)

    @property
    def newest(self) -> KeyPair:
        """The one that others are to use from now on."""
        return self.following or self.current


def load_keys(path: Path, *, create: bool) -> Keys:
    """The keys in the file. With ``create`` a missing file is made, with a new pair, and its
    folder. Raises ConfigError for what is wrong in it, and for a file that others may read;
    StartFailed if it cannot be read now."""
    try:
        if create and not path.exists():
            make_folder(path.parent)
            write_new_file(path, _written(Keys(new_key_pair())))
        require_private(path, f"the key file {path}")
        content = path.read_bytes()
    except OSError as exc:
        raise os_error(f"the key file {path}", exc) from exc
    try:
        entries = parse_toml(content)
        if not entries.keys() <= {"secret", "next"} or "secret" not in entries:
            raise ValueError("has a secret, and while it is changed a next one, and nothing else")
        secret, following = (_pair(entries.get(name)) for name in ("secret", "next"))
    except ValueError as exc:
        raise ConfigError(f"the key file {path} {exc}") from None  # the cause may quote a secret
    assert secret is not None
    return Keys(secret, following)


def begin_rotation(path: Path) -> Keys:
    """Add the pair that is to follow; both are good until ``end_rotation``. Raises ConfigError if
    there is one already, and as ``load_keys`` does."""
    keys = load_keys(path, create=False)
    if keys.following is not None:
        raise ConfigError(f"the key in {path} is being changed already; end that first")
    return _write(path, Keys(keys.current, new_key_pair()))


def end_rotation(path: Path) -> Keys:
    """Drop the old pair. Raises ConfigError if there is one alone, and as ``load_keys`` does."""
    keys = load_keys(path, create=False)
    if keys.following is None:
        raise ConfigError(f"the key in {path} is not being changed; begin that first")
    return _write(path, Keys(keys.following))


def _write(path: Path, keys: Keys) -> Keys:
    try:
        write_file(path, _written(keys))
    except OSError as exc:
        raise os_error(f"the key file {path}", exc) from exc
    return keys


def _written(keys: Keys) -> str:
    lines = [f'secret = "{keys.current.secret.hex()}"']
    if keys.following is not None:
        lines.append(f'next = "{keys.following.secret.hex()}"')
    return _HEAD + "\n".join(lines) + "\n"


def _pair(text: object) -> KeyPair | None:
    if text is None:
        return None
    try:
        return KeyPair.of_secret(bytes.fromhex(text if isinstance(text, str) else ""))
    except ValueError:
        raise ValueError("has a key that is not 64 hexadecimal digits") from None
