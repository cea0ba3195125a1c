import json

from tests.chatctl.command import Chatctl


def test_it_begins_with_the_last_and_goes_on(chatctl: Chatctl, filled: str) -> None:
    watch = chatctl.start("watch", filled, "--last", "2", "--count", "4", "--json")
    assert watch.stdout is not None
    first = json.loads(watch.stdout.readline())
    assert (first["seq"], first["text"]) == (10, "line 8")
    chatctl.send_texts(filled, "new", "newer")
    rest = [json.loads(line)["text"] for line in watch.stdout]
    watch.communicate(timeout=20)
    assert rest == ["line 9", "new", "newer"]


def test_it_goes_back_over_pages(chatctl: Chatctl, room: str) -> None:
    chatctl("--as", "alice", "send", room, "-", stdin="".join(f"{number}\n" for number in range(250)))
    shown = chatctl("watch", room, "--after", "1", "--count", "250").stdout.splitlines()
    assert [line.split("\t")[-1] for line in shown] == [str(number) for number in range(250)]


def test_it_makes_no_device_and_acknowledges_nothing(chatctl: Chatctl, filled: str) -> None:
    before = chatctl.json("device", "list")
    chatctl("watch", filled, "--last", "3", "--count", "3")
    after = chatctl.json("device", "list")
    assert [(one["profile_id"], one["device_id"], one["owed"]) for one in after] == [
        (one["profile_id"], one["device_id"], one["owed"]) for one in before
    ]


def test_a_room_that_is_not_there(chatctl: Chatctl) -> None:
    assert "ROOM_NOT_FOUND" in chatctl("watch", "nowhere", code=1).stderr


def test_all_rooms_of_a_profile(chatctl: Chatctl, filled: str) -> None:
    watch = chatctl.start("watch", "--profile", filled, "--last", "1", "--count", "4", "--json")
    assert watch.stdout is not None
    assert json.loads(watch.stdout.readline())["text"] == "line 9"
    chatctl("--as", "alice", "send", filled, "new")
    chatctl("--as", "alice", "room", "create", f"{filled}-2", filled)
    chatctl("--as", "alice", "send", f"{filled}-2", "elsewhere")
    rest = [json.loads(line) for line in watch.stdout]
    watch.communicate(timeout=20)
    assert (rest[0]["room_id"], rest[0]["text"]) == (filled, "new")
    assert {one["room_id"] for one in rest[1:]} == {f"{filled}-2"}
    devices = chatctl.json("device", "list", "--profile", filled)
    assert [(one["device_id"], one["online"], one["owed"]) for one in devices] == [("d", False, 14)]


def test_a_profile_without_rooms_is_told_of(chatctl: Chatctl) -> None:
    watch = chatctl.start("watch", "--profile", "hermit", "--count", "1")
    assert watch.stderr is not None
    assert watch.stderr.readline() == "the profile is in no room yet\n"
    chatctl.create_room("hut", "hermit")
    assert "hermit joined" in watch.communicate(timeout=30)[0]
    assert watch.returncode == 0


def test_a_room_or_a_profile(chatctl: Chatctl) -> None:
    assert "name a ROOM" in chatctl("watch", code=2).stderr
    assert "name a ROOM" in chatctl("watch", "lobby", "--profile", "bob", code=2).stderr
