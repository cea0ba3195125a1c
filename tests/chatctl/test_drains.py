"""chatctl gateway and chatctl node, against a real daemon; `tests/system/test_operators.py` has
several."""

from tests.chatctl.command import Chatctl


def test_a_gateway_is_drained_and_resumed(chatctl: Chatctl) -> None:
    drained = chatctl("gateway", "drain", "all", "--yes", "--json")
    assert '"streams_left": 0' in drained.stdout
    assert "no other gateway" in drained.stderr
    assert [one["drained"] for one in chatctl.json("status")["gateways"]] == [True]
    assert chatctl.json("gateway", "resume", "all") == {"gateway_id": "all", "resumed": True}
    assert "it was not drained" in chatctl("gateway", "resume", "all").stderr


def test_it_asks_before_it_drains(chatctl: Chatctl) -> None:
    assert "nobody can be asked" in chatctl("gateway", "drain", "all", code=2).stderr
    shown = chatctl.on_terminal("gateway", "drain", "all", typed="n\n", code=1)
    assert "Drain gateway all, and send its devices away?" in shown
    assert [one["drained"] for one in chatctl.json("status")["gateways"]] == [False]


def test_the_only_node_and_processes_that_are_not_there(chatctl: Chatctl) -> None:
    assert "only default node" in chatctl("node", "drain", "all", "--yes", code=1).stderr
    assert "no default node nobody serves" in chatctl("node", "resume", "nobody", code=1).stderr
    assert "no gateway nobody serves" in chatctl("gateway", "drain", "nobody", "--yes", code=1).stderr
