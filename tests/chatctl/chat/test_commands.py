import pytest

from chatctl.chat.commands import COMMANDS, explained, parse
from chatd.errors import InvalidArgument


def test_commands_are_known_by_their_names_and_by_those_of_irc() -> None:
    for text in ("/room lobby", "/join lobby", "/J lobby"):
        parsed = parse(text)
        assert not isinstance(parsed, str)
        assert (parsed[0].names[0], parsed[1]) == ("room", "lobby")


@pytest.mark.parametrize(
    ("text", "sent"),
    [("hello", "hello"), ("//etc", "/etc"), ("/usr/bin\nand more", "/usr/bin\nand more"), (" /x", " /x")],
)
def test_a_text_is_sent_as_it_is(text: str, sent: str) -> None:
    assert parse(text) == sent


@pytest.mark.parametrize("text", ["/dance", "/", "/usr/bin"])
def test_an_unknown_command_says_the_known_ones(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse(text)
    assert all(f"/{command.names[0]}" in str(refused.value) for command in COMMANDS)


def test_no_name_is_given_twice_and_help_has_all() -> None:
    names = [name for command in COMMANDS for name in command.names]
    assert len(set(names)) == len(names)
    text = "\n".join(one.text for one in explained())
    assert all(f"/{name}" in text for name in names)
