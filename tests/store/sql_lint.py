"""SQL is made of constants, and values are its parameters: ``python -m tests.store.sql_lint``, a
part of ``make lint``.

A string is taken for SQL if it begins a statement or a clause. A value that is put into it, by an
f-string, ``format``, ``%`` or ``+``, must be a constant, placeholders, or a name that was given
only such values in its function. A function whose name ends in ``_sql`` makes a part of a statement
of its arguments, and is given constants. Everything else is a line of ``REVIEWED``, with its
reason.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "chatd"
SQL = re.compile(
    r"\b(SELECT\b.*|INSERT INTO|UPDATE\b.*\bSET|DELETE FROM|WITH\b.*\bAS|VALUES|WHERE|JOIN|ORDER BY|LIMIT|"
    r"PRAGMA|SET LOCAL|(CREATE|ALTER|DROP) [A-Z])\b",
    re.DOTALL,
)
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
SAFE_CALLS = ("placeholders", "len", "int", "values")
"""Calls whose result has nothing of a value in it; ``Database.values`` gives placeholders."""
SAFE_ATTRIBUTES = ("for_update", "param")
_A_TABLE = "a key of _TABLES, in which it was looked up"
_AN_ORDER = "an Order of pages.py, made of constants of the subject; a request only chooses among them"
_OF_SCHEMA = "names that the database's own schema has (store/tables.py)"
REVIEWED = {
    ("default/dead_letters/store.py", "behind"): _AN_ORDER,
    ("default/dead_letters/store.py", "NEWEST.by"): _AN_ORDER,
    ("default/notifications/content.py", "claims"): "the callers' constants, and Database.values",
    ("default/notifications/queue.py", "NEWEST.value"): _AN_ORDER,
    ("default/notifications/queue.py", "behind"): _AN_ORDER,
    ("default/notifications/queue.py", "NEWEST.by"): _AN_ORDER,
    ("default/outbox/store.py", "behind"): _AN_ORDER,
    ("default/outbox/store.py", "self.order.by"): _AN_ORDER,
    ("default/receipts/own_rooms.py", "behind"): _AN_ORDER,
    ("default/receipts/own_rooms.py", "self.order.by if self.order else 'room.room_id'"): _AN_ORDER,
    ("default/rooms/invitation_lists.py", "behind"): _AN_ORDER,
    ("default/rooms/invitation_lists.py", "NEWEST.by"): _AN_ORDER,
    ("default/rooms/store.py", "behind"): _AN_ORDER,
    ("default/rooms/store.py", "self.order.by if self.order else 'room_id'"): _AN_ORDER,
    ("default/outbox/store.py", "where"): "_where makes it of columns that it names itself",
    ("default/retention/orphans.py", "condition.format(table=name or table)"): "a condition of _TABLES",
    ("default/retention/orphans.py", "table"): _A_TABLE,
    ("default/retention/orphans.py", "self.table"): _A_TABLE,
    ("default/retention/orphans.py", "_is_orphan_sql(table)"): _A_TABLE,
    ("default/retention/orphans.py", "_is_orphan_sql(self.table, 'page')"): _A_TABLE,
    ("store/copies/sqlite_copy.py", "table"): _OF_SCHEMA,
    ("store/copies/transfer.py", "table.name"): _OF_SCHEMA,
    ("store/copies/transfer.py", "', '.join(table.columns)"): _OF_SCHEMA,
    ("store/copies/transfer.py", "names"): _OF_SCHEMA,
    ("store/invariant.py", "table.name"): _OF_SCHEMA,
    ("store/invariant.py", "self._table.name"): _OF_SCHEMA,
    ("store/invariant.py", "self._key"): _OF_SCHEMA,
    ("store/invariant.py", "sums"): "conditions that the subjects' invariants.py name",
    ("store/invariant.py", "broken"): "conditions that the subjects' invariants.py name",
    ("store/invariant.py", "self._page"): "the schema's names, and placeholders",
    ("store/invariant.py", "last"): _OF_SCHEMA,
    ("store/invariant.py", "name"): _OF_SCHEMA,
    ("store/invariant.py", "backwards"): _OF_SCHEMA,
    ("store/invariant.py", "behind"): "the schema's names, and placeholders",
    ("store/polled.py", "self.condition"): "constants of the subjects that count",
    ("store/polled.py", "self.table"): "constants of the subjects that count",
    ("store/postgres.py", "strict"): "one of the values that stand there",
    ("store/postgres.py", "lock_ms"): "a number; SET takes no parameters",
    ("store/postgres.py", "milliseconds"): "a number; SET takes no parameters",
}
"""(file, expression): the reason why it holds no value from outside."""


class Scope:
    """The values that the names of one function, or of a module, are given."""

    def __init__(self, body: ast.AST) -> None:
        self._given: dict[str, list[ast.expr]] = {}
        for node in ast.walk(body):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._note(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
                self._note(node.target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._note_each(node.target, node.iter)
            elif isinstance(node, ast.FunctionDef) and node.name.endswith("_sql"):
                for argument in node.args.args:
                    self._given[argument.arg] = [ast.Constant("")]

    def _note_each(self, target: ast.expr, values: ast.expr) -> None:
        """``target`` is given each of ``values``."""
        if not isinstance(target, ast.Tuple):
            self._note(target, values)
            return
        for at, part in enumerate(target.elts):
            match values:
                case ast.Tuple(elts=rows) | ast.List(elts=rows):
                    for row in rows:
                        match row:
                            case (
                                ast.Tuple(elts=given)
                                | ast.Starred(value=ast.GeneratorExp(elt=ast.Tuple(elts=given)))
                            ):
                                self._note(part, given[at])
                            case _:
                                self._note(part, row)
                case ast.Call(func=ast.Name(id="zip" | "product"), args=args):
                    self._note(part, args[at])
                case ast.Call(func=ast.Attribute(value=value, attr="items")) if at == 0:
                    self._note(part, value)
                case _:
                    self._note(part, values)

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._given.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple):
            parts = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
            for part, given in zip(target.elts, parts, strict=False):
                self._note(part, given)

    def is_constant(self, node: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
        """True if the expression cannot hold anything from outside."""
        match node:
            case ast.Constant():
                return True
            case ast.Name(id=name) if CONSTANT.fullmatch(name):
                return True
            case ast.Name(id=name):
                given = self._given.get(name, [])
                return name in seen or (
                    bool(given) and all(self.is_constant(value, seen | {name}) for value in given)
                )
            case ast.Attribute(attr=name):
                return name in SAFE_ATTRIBUTES or CONSTANT.fullmatch(name) is not None
            case ast.JoinedStr(values=parts):
                return all(self.is_constant(part, seen) for part in parts)
            case ast.FormattedValue(value=value):
                return self.is_constant(value, seen)
            case ast.IfExp(body=one, orelse=other):
                return self.is_constant(one, seen) and self.is_constant(other, seen)
            case ast.BinOp(left=one, op=ast.Add() | ast.Sub() | ast.Mod() | ast.Mult(), right=other):
                return self.is_constant(one, seen) and self.is_constant(other, seen)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return all(self.is_constant(part, seen) for part in parts)
            case ast.Dict(keys=keys):  # what is taken from it are its keys
                return all(key is not None and self.is_constant(key, seen) for key in keys)
            case ast.DictComp(key=made):
                return self.is_constant(made, seen)
            case ast.Starred(value=value) | ast.Subscript(value=value):
                return self.is_constant(value, seen)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SAFE_CALLS:
                return True
            case ast.Call(func=ast.Name(id=name), args=args) if name.endswith("_sql"):
                return all(self.is_constant(part, seen) for part in args)
            case ast.Call(func=ast.Attribute(value=value, attr="join" | "format" | "replace"), args=args):
                return all(self.is_constant(part, seen) for part in (value, *args)) and all(
                    self.is_constant(keyword.value, seen) for keyword in node.keywords
                )
            case ast.GeneratorExp(elt=made) | ast.ListComp(elt=made):
                return self.is_constant(made, seen)
        return False


def faults(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every part of a statement that may hold a value."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function) if node is not function}
    for body in [*(function for function in functions if id(function) not in inside), tree]:
        scope = Scope(body)
        for node in ast.walk(body):
            if body is tree and id(node) in inside:
                continue
            for part in _parts(node):
                if not scope.is_constant(part):
                    yield part.lineno, ast.unparse(part)


def _parts(node: ast.AST) -> list[ast.expr]:
    """The expressions that are put into a string of SQL."""
    match node:
        case ast.JoinedStr(values=values) if SQL.search(_text(node)):
            return [value.value for value in values if isinstance(value, ast.FormattedValue)]
        case ast.BinOp(left=one, op=ast.Add() | ast.Mod(), right=other) if SQL.search(
            _text(one) + _text(other)
        ):
            return [one, other]
        case ast.Call(func=ast.Attribute(value=value, attr="format"), args=args, keywords=keywords):
            if SQL.search(_text(value)):
                return [*args, *(keyword.value for keyword in keywords)]
    return []


def _text(node: ast.AST) -> str:
    """The constant text of a string."""
    return "".join(
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def main() -> int:
    """Print every fault; 1 if there are any."""
    found, used = 0, set()
    for path in sorted(ROOT.rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for line, text in faults(path.read_text()):
            if (name, text) in REVIEWED:
                used.add((name, text))
                continue
            found += 1
            print(f"chatd/{name}:{line}: {text!r} goes into SQL; make it a parameter")
    for name, text in sorted(REVIEWED.keys() - used):
        found += 1
        print(f"{name}: {text!r} no longer goes into SQL; forget it")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
