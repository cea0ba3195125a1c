from tests.chatctl.command import Chatctl


def test_the_level_is_shown_and_set(chatctl: Chatctl) -> None:
    assert chatctl("--no-headers", "log-level").stdout == "all\tall\tinfo\tinfo\n"
    assert chatctl("--no-headers", "log-level", "debug").stdout == "all\tall\tdebug\tinfo\n"
    (one,) = chatctl.json("log-level", "info", "--gateway", "all")
    assert (one["level"], one["before"]) == ("info", "debug")
    assert "none of debug, info, warning, error" in chatctl("log-level", "loud", code=1).stderr
