import pytest

from chatctl.chat.mentions import mentioned

MEMBERS = {"bob", "carol", "o:hara"}


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("bob: lunch?", ("bob",)),
        ("bob, lunch?", ("bob",)),
        ("@bob and @carol, lunch?", ("bob", "carol")),
        ("lunch, bob?", ()),
        ("mail@bob", ()),
        ("bobby: lunch?", ()),
        ("@dave: lunch?", ()),
        ("(@bob)", ()),
        ("@bob", ("bob",)),
        ("\n@carol!", ("carol",)),
    ],
)
def test_members_are_called_as_people_do_it(text: str, called: tuple[str, ...]) -> None:
    assert mentioned(text, MEMBERS) == called
