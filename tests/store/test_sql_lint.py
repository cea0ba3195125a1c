import pytest

from tests.store.sql_lint import faults, main


def test_chatd_has_no_value_in_its_sql() -> None:
    assert main() == 0


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(room): run(f'SELECT 1 FROM room WHERE room_id = {room}')", ["room"]),
        ("def f(self): run(f'DELETE FROM room WHERE room_id = {self.room}')", ["self.room"]),
        ("def f(room): run('DELETE FROM room WHERE room_id = ' + room)", ["room"]),
        ("def f(room): run('DELETE FROM room WHERE room_id = %s' % room)", ["room"]),
        ("def f(room): run('SELECT {} FROM room'.format(room))", ["room"]),
        ("def f(room): run('SELECT {x} FROM room'.format(x=room))", ["room"]),
        (
            "def f(room):\n    more = f' AND x = {room}'\n    run(f'SELECT 1 FROM room WHERE 1 = 1{more}')",
            ["more"],
        ),
        ("def f(room):\n    n = 'a'\n    n += room\n    run(f'SELECT 1 FROM room WHERE {n}')", ["n"]),
        ("def f(rooms): run(f\"SELECT 1 WHERE x IN ({', '.join(rooms)})\")", ["', '.join(rooms)"]),
        ("def f(x): run(f'SELECT {of_sql(x)} FROM room')", ["of_sql(x)"]),
        ("def f(x): return f'a sentence about {x}'", []),
        ("X = 'a'\nrun(f'SELECT {X} FROM room')", []),
        ("def f(rooms): run(f'SELECT 1 FROM room WHERE room_id IN ({placeholders(len(rooms))})', rooms)", []),
        ("def f(a):\n    for c in ('x', 'y'):\n        run(f'UPDATE room SET {c} = ?', a)", []),
        ("def f(d): run(f'SELECT 1 FROM room{d.for_update}')", []),
    ],
)
def test_planted_faults(source: str, found: list[str]) -> None:
    assert [text for _, text in faults(source)] == found
