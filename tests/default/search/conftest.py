"""A store in which some things were said and indexed."""

import pytest

from tests.default.search.driver import index, say
from tests.store.driver import Store

SAID = (
    "Straße in Ångström",
    "the quick brown fox",
    "quick, the fox is brown",
    "東京都に住む",
    "京都タワー",
    "مَرْحَبًا بالعالم",
    "👍🏽 agreed",
    "deploying tomorrow",
    "we deploy' on \\ Monday: it's 'quoted' & done",
)


@pytest.fixture
def said(store: Store) -> Store:
    """The texts of SAID, in the room r."""
    for text in SAID:
        say(store, "r", text)
    index(store)
    return store
