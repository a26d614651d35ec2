"""The filter language of ``get_all_records_where``: parse once, get a predicate over rows.

``expr := value = value | expr and expr | expr or expr | not expr | ( expr ) | true | false``;
``value := field "<column>" | "<literal>"``. ``and``/``or`` share one left-associative level and ``not`` binds
loosest, as in the original. Only equality exists, on the stored string form.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

from xapi.database.schema import TableSchema
from xapi.database.store import Row
from xapi.database.stored_form import stored_form

Predicate = Callable[[Row], bool]
_Value = Callable[[Row], str]

MAX_TOKENS = 2000
MAX_DEPTH = 100
LONGEST_KEPT = 1000
"""Characters of an expression that is kept parsed: clients repeat short ones."""
_TOKEN = re.compile(r'[ \t\n]*(?:(?P<string>"[^"]*")|(?P<word>[a-z]+)|(?P<mark>[=()]))')


class BadExpression(ValueError):
    """The expression does not parse; the text says where."""


class UnknownColumn(ValueError):
    """The expression names a column that the table has not."""


def _tokens(text: str) -> list[str]:
    tokens = []
    position = 0
    stripped = text.rstrip(" \t\n")
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise BadExpression(f"unexpected text at character {position}")
        tokens.append(match.group().lstrip(" \t\n"))
        position = match.end()
        if len(tokens) > MAX_TOKENS:
            raise BadExpression("expression too long")
    return tokens


class _Parser:
    def __init__(self, text: str, schema: TableSchema) -> None:
        self._tokens = _tokens(text)
        self._schema = schema
        self._position = 0
        self._depth = 0

    def parse(self) -> Predicate:
        result = self._expression()
        if self._position < len(self._tokens):
            raise BadExpression(f"unexpected {self._tokens[self._position]!r}")
        return result

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise BadExpression("unexpected end")
        self._position += 1
        return token

    def _expression(self) -> Predicate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadExpression("nested too deeply")
        try:
            first = self._operand()
            rest: list[tuple[bool, Predicate]] = []
            while self._peek() in ("and", "or"):
                rest.append((self._next() == "and", self._operand()))
            return _chain(first, rest) if rest else first
        finally:
            self._depth -= 1

    def _operand(self) -> Predicate:
        match self._peek():
            case "not":
                self._next()
                # Binds loosest: it takes the whole rest of the expression.
                return _negation(self._expression())
            case "(":
                self._next()
                inner = self._expression()
                if self._next() != ")":
                    raise BadExpression("expected )")
                return inner
            case "true" | "false":
                constant = self._next() == "true"
                return lambda row: constant
            case _:
                return self._comparison()

    def _comparison(self) -> Predicate:
        left = self._value()
        if self._next() != "=":
            raise BadExpression("expected =")
        right = self._value()
        return lambda row: left(row) == right(row)

    def _value(self) -> _Value:
        token = self._next()
        if token == "field":
            return self._field(self._string(self._next()))
        literal = self._string(token)
        return lambda row: literal

    @staticmethod
    def _string(token: str) -> str:
        if not token.startswith('"'):
            raise BadExpression(f'expected a "string", found {token!r}')
        return token[1:-1]

    def _field(self, column: str) -> _Value:
        if column == "_ref":
            return lambda row: row.ref
        name = self._schema.by_column.get(column)
        if name is None:
            # Clients also send the names they see in records.
            name = column if column in self._schema.columns else None
        if name is None:
            raise UnknownColumn(column)
        known, is_set = name, self._schema.columns[name].is_set
        return lambda row: stored_form(row.values[known], is_set)


def _chain(first: Predicate, rest: list[tuple[bool, Predicate]]) -> Predicate:
    """Combine from left to right, ``and`` where the pair's first is true: a loop, since chains may be long."""

    def holds(row: Row) -> bool:
        result = first(row)
        for is_and, operand in rest:
            if result == is_and:
                result = operand(row)
        return result

    return holds


def _negation(inner: Predicate) -> Predicate:
    return lambda row: not inner(row)


_SIMPLE = re.compile(r'[ \t\n]*field[ \t\n]*"([^"]*)"[ \t\n]*=[ \t\n]*"([^"]*)"[ \t\n]*')


@functools.lru_cache(maxsize=256)
def _compiled(text: str, schema: "_ById") -> Predicate:
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        name = schema.schema.by_column.get(simple[1])
        column = schema.schema.columns.get(name) if name else None
        if column is not None and isinstance(column.empty, str):
            known, wanted = column.name, simple[2]
            return lambda row: bool(row.values[known] == wanted)
    return _Parser(text, schema.schema).parse()


class _ById:
    """A schema as a cache key: by identity, since schemas live as long as the process."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _ById) and other.schema is self.schema


def predicate(text: str, schema: TableSchema) -> Predicate:
    """Return the predicate that *text* describes.

    :raises BadExpression: it does not parse. :raises UnknownColumn: it names a column that the table has not.
    """
    compiled = _compiled if len(text) <= LONGEST_KEPT else _compiled.__wrapped__
    return compiled(text, _ById(schema))
