"""Keys of Curve25519: 32 octets, for people 40 characters of Z85 (RFC 32), as libzmq takes them."""

from dataclasses import dataclass, field

from nacl.bindings import crypto_box_keypair, crypto_scalarmult_base

KEY_BYTES = 32
_TEXT_CHARACTERS = 40
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_GROUP_BYTES, _GROUP_CHARACTERS = 4, 5  # RFC 32: four octets are five characters


@dataclass(frozen=True, slots=True, eq=False)
class KeyPair:
    """A permanent or transient pair. Pairs are not compared: that would take time by their
    content."""

    public: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.public) != KEY_BYTES or len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key is {KEY_BYTES} octets long")

    @classmethod
    def of_secret(cls, secret: bytes) -> "KeyPair":
        """The pair that a secret key belongs to. Raises ValueError if it is not 32 octets."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key is {KEY_BYTES} octets long")
        return cls(crypto_scalarmult_base(secret), secret)


def new_key_pair() -> KeyPair:
    """A pair from the system's random numbers."""
    return KeyPair(*crypto_box_keypair())


def encode_key(key: bytes) -> str:
    """``key`` as 40 characters of Z85. Raises ValueError if it is not 32 octets."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} octets long")
    text = ""
    for at in range(0, KEY_BYTES, _GROUP_BYTES):
        value = int.from_bytes(key[at : at + _GROUP_BYTES], "big")
        group = ""
        for _ in range(_GROUP_CHARACTERS):
            value, digit = divmod(value, len(_ALPHABET))
            group = _ALPHABET[digit] + group
        text += group
    return text


def decode_key(text: str) -> bytes:
    """The key that 40 characters of Z85 stand for. Raises ValueError, whose text does not show
    them."""
    if len(text) != _TEXT_CHARACTERS:
        raise ValueError(f"a key in Z85 has {_TEXT_CHARACTERS} characters, not {len(text)}")
    key = b""
    for at in range(0, _TEXT_CHARACTERS, _GROUP_CHARACTERS):
        value = 0
        for character in text[at : at + _GROUP_CHARACTERS]:
            digit = _VALUES.get(character)
            if digit is None:
                raise ValueError("a key in Z85 has a character that is none of the 85")
            value = value * len(_ALPHABET) + digit
        if value >= 1 << (8 * _GROUP_BYTES):
            raise ValueError("five characters of a key in Z85 stand for more than four octets")
        key += value.to_bytes(_GROUP_BYTES, "big")
    return key
