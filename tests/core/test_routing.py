"""Which gateway wants which topics: steps, the node's table, and what needs the full set."""

from chatd.core.routing import Change, Routing, Step, WatchedTopics

A, B, C = b"a:1\0", b"b:1\0", b"c:1\0"


def sent(state: WatchedTopics[str], *nodes: str) -> dict[str, Step]:
    return dict(state.step(nodes)[1])


def described(*nodes: str) -> WatchedTopics[str]:
    state: WatchedTopics[str] = WatchedTopics()
    for node in nodes:
        assert state.described(node, state.mark(node), 0, restarted=True)
    return state


def test_a_node_gets_everything_first_and_then_what_changed() -> None:
    state = described("n")
    state.want(A)
    assert sent(state, "n") == {"n": Step(1, True, (A,), ())}
    assert not state.is_due
    state.want(B)
    state.unwant(A)
    assert state.is_due
    assert sent(state, "n") == {"n": Step(2, False, (B,), (A,))}


def test_a_topic_wanted_twice_must_be_unwanted_twice() -> None:
    state = described("n")
    for _ in range(2):
        state.want(A)
    sent(state, "n")
    state.unwant(A)
    assert not state.is_due
    state.unwant(A)
    state.unwant(A)
    assert sent(state, "n") == {"n": Step(2, False, (), (A,))}


def test_what_comes_and_goes_within_a_turn_is_nothing() -> None:
    state = described("n")
    state.want(A)
    sent(state, "n")
    state.unwant(A)
    state.want(A)
    state.want(B)
    state.unwant(B)
    assert not state.is_due


def test_a_node_that_has_not_been_described_is_told_nothing() -> None:
    state = described("n")
    state.want(A)
    assert list(sent(state, "n", "stranger")) == ["n"]
    assert list(sent(state)) == [], "forgotten"
    assert state.described("n", state.mark("n"), 1, restarted=False), "and begins anew"


def test_a_refused_change_is_followed_by_everything_and_refused_everything_by_nothing() -> None:
    state = described("n")
    first = sent(state, "n")["n"]
    state.want(A)
    second = sent(state, "n")["n"]
    assert state.failed("n", second)
    third = sent(state, "n")["n"]
    assert third == Step(3, True, (A,), ())
    assert not state.failed("n", second), "an older call says nothing of a newer one"
    assert not state.failed("n", first)
    assert not state.failed("n", third), "asked again by the next description"
    assert not state.is_due
    state.want(B)
    assert sent(state, "n") == {}, "nor with every change meanwhile"
    assert state.described("n", state.mark("n"), 0, restarted=False)
    assert sent(state, "n") == {"n": Step(5, True, (A, B), ())}


def test_a_description_that_was_asked_for_before_says_nothing_of_what_was_sent_later() -> None:
    state = described("n")
    before = state.mark("n")
    sent(state, "n")
    mark = state.mark("n")
    state.want(A)
    sent(state, "n")
    assert not state.described("n", before, 0, restarted=False)
    assert not state.described("n", mark, 1, restarted=False)
    assert state.described("n", state.mark("n"), 1, restarted=False), "it did not get the second"


def test_a_restarted_node_and_a_lost_connection_need_everything() -> None:
    state = described("n", "m")
    state.want(A)
    sent(state, "n", "m")
    assert state.described("n", state.mark("n"), 1, restarted=True)
    assert {node: step.full for node, step in sent(state, "n", "m").items()} == {"n": True, "m": False}
    assert state.lost("m")
    assert {node: step.full for node, step in sent(state, "n", "m").items()} == {"n": False, "m": True}
    assert not state.lost("stranger")


def test_the_table_applies_steps_in_their_order_only() -> None:
    routing = Routing()
    assert routing.apply("g", 2, full=False, add=[A], remove=[]) is None, "nothing is known of the first"
    assert routing.apply("g", 2, full=True, add=[A, B], remove=[]) is not None
    assert routing.apply("g", 4, full=False, add=[C], remove=[]) is None
    assert routing.apply("g", 3, full=False, add=[C], remove=[A, b"unknown"]) == Change((C,), (A,))
    assert routing.apply("g", 3, full=False, add=[A], remove=[C]) == Change(), "repeated"
    assert routing.apply("g", 1, full=True, add=[], remove=[]) == Change(), "late"
    assert (routing.number_of("g"), routing.topics_of("g")) == (3, frozenset({B, C}))


def test_a_full_set_changes_only_what_differs() -> None:
    routing = Routing()
    routing.apply("g", 1, full=True, add=[A, B], remove=[])
    assert routing.apply("g", 5, full=True, add=[B, C], remove=[]) == Change((C,), (A,))
    assert routing.apply("g", 6, full=True, add=[C, B], remove=[]) == Change()


def test_a_topic_at_two_gateways_stays_until_both_have_gone() -> None:
    routing = Routing()
    routing.apply("g", 1, full=True, add=[A], remove=[])
    routing.apply("h", 1, full=True, add=[A, B], remove=[])
    assert routing.group((A, B, C)) == {"g": [A], "h": [A, B]}
    assert routing.forget("g") == Change((), (A,))
    assert routing.gateways_of(A) == ("h",)
    routing.forget("h")
    assert (routing.gateways_of(A), routing.group((A, B)), routing.instances) == ((), {}, ())
    assert routing.forget("h") == Change()


def test_the_version_moves_when_only_the_gateways_of_a_topic_change() -> None:
    """The online table does not change then, and keeps the targets that publishing is grouped
    by."""
    routing = Routing()
    routing.apply("g", 1, full=True, add=[A], remove=[])
    before = routing.version
    routing.apply("h", 1, full=True, add=[B], remove=[])
    assert routing.version == before
    routing.apply("h", 2, full=False, add=[A], remove=[])
    assert routing.version > before
    before = routing.version
    routing.forget("g")
    assert routing.version > before


def test_an_instance_in_doubt_is_known_again_by_the_full_set() -> None:
    """Its connection came again, and nobody may have told it so: what it is described as known
    makes it send everything."""
    routing = Routing()
    routing.doubt("g")
    routing.apply("g", 1, full=True, add=[A], remove=[])
    assert routing.number_of("g") == 1
    routing.doubt("g")
    assert routing.number_of("g") == 0
    assert routing.apply("g", 2, full=False, add=[B], remove=[]) == Change((B,), ()), (
        "which goes on meanwhile"
    )
    assert routing.number_of("g") == 0
    assert routing.apply("g", 3, full=True, add=[A, B], remove=[]) == Change()
    assert routing.number_of("g") == 3


def ended(state: WatchedTopics[str], topic: bytes, *nodes: str) -> int:
    """The step that removes a topic."""
    state.unwant(topic)
    return state.step(nodes)[0].number


def test_a_subscription_ends_when_every_node_publishes_knowing_that_the_topic_has_ended() -> None:
    state = described("n", "m")
    for topic in (A, B):
        state.want(topic)
    assert state.step(("n", "m"))[2] == [A, B]
    first, second = ended(state, A, "n", "m"), ended(state, B, "n", "m")
    state.applied("n", second)
    assert state.released() == []
    state.applied("m", first)
    assert state.released() == [A]
    state.applied("m", first - 1)
    state.applied("m", second)
    assert state.released() == [B]
    assert state.released() == []


def test_a_topic_that_is_wanted_again_before_its_end_stays_subscribed() -> None:
    state = described("n")
    state.want(A)
    sent(state, "n")
    first = ended(state, A, "n")
    state.want(A)
    _, calls, new = state.step(("n",))
    assert (dict(calls)["n"].add, new) == ((A,), [])
    state.applied("n", first + 1)
    assert state.released() == []
    second = ended(state, A, "n")
    state.applied("n", second)
    assert state.released() == [A]
    state.want(A)
    assert state.step(("n",))[2] == [A]


def test_a_subscription_does_not_wait_for_a_node_of_which_nothing_comes_or_that_has_gone() -> None:
    state = described("n", "m")
    for topic in (A, B):
        state.want(topic)
    sent(state, "n", "m")
    state.applied("n", ended(state, A, "n", "m"))
    assert state.released() == []
    state.silent("m")
    assert state.released() == [A]
    state.applied("m", 1)
    number = ended(state, B, "n", "m")
    state.applied("n", number)
    assert state.released() == [], "m is heard again"
    state.step(("n",))
    assert state.released() == [B]
    state.forget("n")
    state.want(A)
    state.step(())
    ended(state, A)
    assert state.released() == [A]
