"""An act and its line are one; lines are listed, and bounded. On both engines."""

from dataclasses import replace

import pytest

from chatd.core.audit import AuditKind, AuditLine, make_line_id
from chatd.default.audit.store import Audited, FindAuditExcess, ForgetAudit, ListAudit, RecordAudit
from chatd.default.requests.model import request_key
from chatd.default.requests.store import Once
from chatd.default.rooms.membership import AddSubscriptions
from chatd.default.rooms.store import GetRoom
from chatd.errors import ChatdError, NotAMember
from tests.store.driver import Store, at_once

LINE = AuditLine(AuditKind.ACT, "ops", "", "local", "g", "AdminService/Test")


def add(who: str, by: str = "alice") -> AddSubscriptions:
    return AddSubscriptions("r", (who,), by, False)


def lines(store: Store, **only: object) -> list[AuditLine]:
    given = {"profile_id": "", "since_us": 0, "before_line_id": "", "limit": 1_000} | only
    return list(store.ask(ListAudit(**given))[0])  # type: ignore[arg-type]


def use(number: int, kind: AuditKind = AuditKind.USE) -> AuditLine:
    return replace(LINE, kind=kind, objects=str(number))


def test_an_act_has_its_line(store: Store) -> None:
    change = store.do(Audited(add("carol"), LINE))
    assert change.profiles == ("carol",), "the result is the command's own"
    (line,) = lines(store)
    assert replace(line, line_id="", at_us=0) == LINE
    assert line.at_us == store.now_us


def test_what_was_refused_has_none(store: Store) -> None:
    with pytest.raises(NotAMember):
        store.do(Audited(add("carol", by="carol"), LINE))
    done, refused = store.many([Audited(add("dave"), LINE), Audited(add("eve", by="eve"), LINE)])
    assert isinstance(refused, ChatdError)
    assert not isinstance(done, ChatdError)
    assert len(lines(store)) == 1


def test_neither_act_nor_line_without_the_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that fails behind the act takes both back."""
    store.database.run("DROP INDEX audit_kind")
    store.database.run("ALTER TABLE audit RENAME TO lost")
    (failed,) = store.many([Audited(add("carol"), LINE)])
    assert isinstance(failed, ChatdError)
    assert "carol" not in [member.profile_id for member in store.ask(GetRoom("r"))[1]]


def test_a_call_that_comes_again_has_one_line(store: Store) -> None:
    once = Once(Audited(add("carol"), LINE), request_key("ops", "id", "m", b""), lambda change: b"done")
    assert [store.do(once).is_repeated for _ in range(3)] == [False, True, True]
    assert len(lines(store)) == 1


def test_listing(store: Store) -> None:
    for number in range(5):
        store.do(RecordAudit((use(number),)))
    middle_us = lines(store)[2].at_us
    store.do(RecordAudit((replace(LINE, profile_id="eve", acting_for="bob"),)))
    assert [line.objects for line in lines(store, profile_id="ops")] == ["4", "3", "2", "1", "0"]
    assert [line.objects for line in lines(store, profile_id="ops", since_us=middle_us)] == ["4", "3", "2"]
    assert len(lines(store, profile_id="bob")) == len(lines(store, profile_id="eve")) == 1
    first, more = store.ask(ListAudit("", 0, "", 4))
    rest, end = store.ask(ListAudit("", 0, first[-1].line_id, 4))
    assert (more, end) == (True, False)
    assert [*first, *rest] == lines(store)


def test_a_gateways_lines_are_kept_once(store: Store) -> None:
    given = tuple(
        replace(use(number), at_us=7 + number, line_id=make_line_id(7 + number, b"......"))
        for number in range(3)
    )
    store.do(RecordAudit(given))
    store.do(RecordAudit((*given, replace(use(3), at_us=10, line_id=make_line_id(10, b"......")))))
    assert [line.objects for line in lines(store)] == ["3", "2", "1", "0"]


def test_old_lines_are_forgotten_in_batches(store: Store) -> None:
    for number in range(7):
        store.do(RecordAudit((use(number),)))
    before_us = lines(store)[1].at_us
    assert [store.do(ForgetAudit(before_us, (), 2)) for _ in range(4)] == [2, 2, 1, 0]
    assert [line.objects for line in lines(store)] == ["6", "5"]
    assert store.do(ForgetAudit(0, (), 2)) == 0, "no time that can be believed"


def test_refusals_and_uses_are_bounded_and_acts_are_not(store: Store) -> None:
    for number in range(6):
        for kind in AuditKind:
            store.do(RecordAudit((use(number, kind),)))
    excess = store.ask(FindAuditExcess(4))
    assert [kind for kind, _ in excess] == [AuditKind.USE, AuditKind.REFUSED]
    assert [store.do(ForgetAudit(0, excess, 3)) for _ in range(3)] == [3, 1, 0]
    left = [(line.kind, line.objects) for line in lines(store)]
    assert [number for kind, number in left if kind is AuditKind.ACT] == list("543210")
    for kind in (AuditKind.USE, AuditKind.REFUSED):
        assert [number for of, number in left if of is kind] == list("5432")
    assert store.ask(FindAuditExcess(4)) == ()


def test_two_nodes_forget_and_keep_at_once(nodes: tuple[Store, Store]) -> None:
    for number in range(60):
        nodes[0].do(RecordAudit((use(number),)))
    before_us = nodes[0].now_us + 1
    late = replace(use(0), at_us=before_us, line_id=make_line_id(before_us, b"......"))
    while sum(at_once(nodes, lambda node: node.do(ForgetAudit(before_us, (), 5)))):
        at_once(nodes, lambda node: node.do(RecordAudit((late,))))
    assert [line.line_id for line in lines(nodes[0])] == [late.line_id]
