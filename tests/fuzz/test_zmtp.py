"""The fuzz target on its seeds and on what is near to them; `make fuzz` goes on for longer."""

import random

import pytest

from tests.fuzz.zmtp import SEEDS, check


@pytest.mark.parametrize("name", SEEDS)
def test_the_two_readers_agree_on_the_seeds(name: str) -> None:
    check(SEEDS[name])


def test_they_agree_on_what_is_near_to_the_seeds() -> None:
    dice = random.Random(1)
    names = list(SEEDS)
    for _ in range(1_500):
        data = bytearray(SEEDS[dice.choice(names)] + SEEDS[dice.choice(names)][2:])
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(min(len(data), 200))
            match dice.randrange(3):
                case 0:
                    data[place] ^= 1 << dice.randrange(8)
                case 1:
                    data[place:place] = dice.randbytes(dice.randint(1, 4))
                case _:
                    del data[place : place + dice.randint(1, 4)]
        check(bytes(data))
