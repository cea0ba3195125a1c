"""TokenTable: the tokens of the file, by their SHA-256 digests, so a look-up takes the same time
for every token and for any number of them."""

from collections.abc import Iterator, Mapping

from chatd.gateway.authentication.identity import Identity


class TokenTable:
    """``identities`` are by the digests of their tokens."""

    def __init__(self, identities: Mapping[bytes, Identity]) -> None:
        self._identities = identities

    def __len__(self) -> int:
        return len(self._identities)

    def __iter__(self) -> Iterator[Identity]:
        """In the order of the file."""
        return iter(self._identities.values())

    def identify(self, token: str, digest: bytes) -> Identity | None:
        """The identity of a token of the file; None: it is not there."""
        # A dict compares digests, not tokens: how long it takes tells nothing about a token.
        return self._identities.get(digest)

    def confirm(self, identity: Identity) -> Identity | None:
        """The identity that the token of ``identity`` shows by now; None: it is not there."""
        return self._identities.get(identity.digest)
