"""chatctl send with a single text, against a real daemon."""

from tests.chatctl.command import Chatctl


def test_a_text_is_stored_once(chatctl: Chatctl, room: str) -> None:
    assert chatctl("--as", "alice", "send", room, "hello").stdout.split("\t")[:2] == [room, "2"]
    first = chatctl.json("--as", "alice", "send", room, "once", "--id", f"{room}-1")
    again = chatctl.json("--as", "alice", "send", room, "once", "--id", f"{room}-1")
    assert (first["seq"], again["seq"], again["duplicate"]) == (3, 3, True)


def test_priorities_and_mentions(chatctl: Chatctl, room: str) -> None:
    send = ("--as", "alice", "send", room)
    chatctl(*send, "@ not you", "--priority", "-1", "--mention", "carol")
    chatctl(*send, "lunch?", "--mention", room, "--mention", "carol")
    chatctl(*send, "ring", "--priority", "urgent")
    chatctl(*send, "alarm", "--priority", "highest")
    chatctl(*send, "--priority", "bulk", stdin="line\n")
    chatctl(*send, "x", "--mention", "a b", code=1)
    listed = chatctl.json_lines("--as", room, "tail", "--take-over", "--device", "d", "--count", "6")
    assert [(one["priority"], one["mentions"]) for one in listed] == [
        (0, []),
        (1, ["carol"]),
        (1, [room, "carol"]),
        (1, []),
        (3, []),
        (-1, []),
    ]


def test_an_id_is_for_a_single_text(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "--id", "x", "-", stdin="a\n", code=2)


def test_no_standard_input_is_the_callers_mistake(chatctl: Chatctl) -> None:
    for text in ("", "-"):
        done = chatctl.in_shell(f"--as alice send lobby {text}", "<&-")
        assert (done.returncode, "nothing to send" in done.stderr) == (2, True), done.stderr


def test_a_refusal_is_no_outage(chatctl: Chatctl) -> None:
    assert "NOT_A_MEMBER" in chatctl("--as", "alice", "send", "nowhere", "text", "--wait", code=1).stderr
