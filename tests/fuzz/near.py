"""Inputs that are near to a target's seeds, for Hypothesis."""

from collections.abc import Iterable

from hypothesis import strategies as st


def inputs(seeds: Iterable[bytes]) -> st.SearchStrategy[bytes]:
    """Parts of two seeds with anything put in, in place of as much, or behind."""
    start = st.sampled_from(list(seeds))

    def make(seed: bytes, other: bytes, place: int, put_in: bytes, dropped: int, after: bytes) -> bytes:
        at = place * (len(seed) + 1) // 256
        return seed[:at] + put_in + seed[at + dropped :] + other[at % (len(other) + 1) :][:64] + after

    return st.builds(
        make,
        start,
        st.just(b"") | start,
        st.integers(0, 255),
        st.binary(max_size=60) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.sampled_from((0, 0, 1, 2, 8)),
        st.binary(max_size=20),
    )
