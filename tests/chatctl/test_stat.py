from tests.chatctl.command import Chatctl


def test_lines_of_rates(chatctl: Chatctl, room: str) -> None:
    stat = chatctl.start("stat", "--every", "0.5", "--count", "4", "--json")
    for number in range(5):
        chatctl("--as", "alice", "send", room, f"{number}")
    out, error = stat.communicate(timeout=30)
    assert stat.returncode == 0, error
    assert out.count("\n") == 4
    assert '"database": "answers"' in out


def test_a_heading_stands_above_columns(chatctl: Chatctl) -> None:
    heading, line = chatctl("stat", "--every", "0.1", "--count", "1").stdout.splitlines()
    assert heading.split()[:3] == ["stored", "commits", "published"]
    assert len(line.split()) == len(heading.split())
    assert len(line) == len(heading)
