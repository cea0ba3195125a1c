from tests.chatctl.command import Chatctl
from tests.daemons import Daemon


def test_it_says_what_came_of_it(chatctl: Chatctl, daemon: Daemon) -> None:
    assert chatctl("--no-headers", "reload").stdout == "all\tall\treloaded, no setting changed\n"
    tokens = daemon.folder / "tokens.toml"
    before = tokens.read_text()
    try:
        tokens.write_text(f'{before}\n[tokens.""]\nprofile = "p"\n')
        (one,) = chatctl("--no-headers", "reload", "--node", "all", code=1).stdout.splitlines()
        assert "not reloaded, all stays as it was" in one
        assert "the token is empty" in one
    finally:
        tokens.write_text(before)
    assert chatctl.json("reload")[0]["faults"] == []
