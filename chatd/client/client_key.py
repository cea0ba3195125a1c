"""The client's own key pair, for tokens that are good with one key only."""

from pathlib import Path

from chatd.core.key_pair import KeyPair
from chatd.errors import ConfigError
from chatd.files.key_file import load_keys


def client_key(given: Path | bytes | None) -> KeyPair | None:
    """The pair in a file, which is made with a new one if it is missing, or of a secret key of 32
    octets. Raises ConfigError, StartFailed."""
    if given is None:
        return None
    if isinstance(given, Path):
        return load_keys(given, create=True).current
    try:
        return KeyPair.of_secret(given)
    except ValueError as exc:
        raise ConfigError(f"the client's key: {exc}") from None
