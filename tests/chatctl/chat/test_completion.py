import pytest

from chatctl.chat.completion import Completer, completions


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("b", ["bob: ", "Bea: "]),
        ("thanks, b", ["thanks, bob ", "thanks, Bea "]),
        ("@be", ["@Bea "]),
        ("/cr", ["/create "]),
        ("/r", ["/room ", "/rooms ", "/remove ", "/receipts "]),
        ("/room lo", ["/room lobby "]),
        ("/msg b", ["/msg bob ", "/msg Bea "]),
        ("/topic b", []),
        ("//b", []),
        ("", []),
        ("x ", []),
    ],
)
def test_what_fits_depends_on_the_place(before: str, after: list[str]) -> None:
    assert completions(before, rooms=["garden", "lobby"], profiles=["bob", "carol", "Bea"]) == after


def test_tab_again_takes_the_next() -> None:
    completer = Completer(lambda before: completions(before, rooms=[], profiles=["bob", "bea"]))
    one = completer.next("b")
    two = completer.next(one)
    assert (one, two, completer.next(two)) == ("bob: ", "bea: ", "bob: ")
    assert completer.next("bob: ", -1) == "bea: "
    assert completer.next("x") == "x"
