"""Checks the syntax of CloudEvents SQL by recursive descent, without operator precedence."""

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>!=|<>|<=|>=|[-+*/%=<>(),]))"
)
_BETWEEN = frozenset({"+", "-", "*", "/", "%", "=", "!=", "<>", "<", "<=", ">", ">=", "AND", "OR", "XOR"})
_RESERVED = frozenset({"AND", "OR", "XOR", "NOT", "LIKE", "IN", "EXISTS"})


class _NotCesql(Exception):
    pass


def is_cesql(expression: str) -> bool:
    try:
        reader = _Reader(_tokens(expression))
        reader.expression()
    except _NotCesql:
        return False
    return reader.is_through


def _tokens(expression: str) -> list[str]:
    found, position = [], 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if match is None:
            raise _NotCesql
        word = match["word"]
        found.append(word.upper() if word and word.upper() in _RESERVED else match[0].strip())
        position = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def is_through(self) -> bool:
        return self._at == len(self._tokens)

    def expression(self) -> None:
        self._operand()
        while self._take(*_BETWEEN):
            self._operand()

    def _operand(self) -> None:
        while self._take("NOT", "-"):
            pass
        self._value()
        negated = self._take("NOT")
        if self._take("LIKE"):
            self._expect(self._is_text)
        elif self._take("IN"):
            self._list()
        elif negated:
            raise _NotCesql

    def _value(self) -> None:
        if self._take("EXISTS"):
            self._expect(self._is_name)
        elif self._take("("):
            self.expression()
            self._need(")")
        else:
            self._expect(lambda token: token not in _RESERVED and (token[0] in "'\"_" or token[0].isalnum()))
            if self._take("(") and not self._take(")"):
                self._rest_of_list()

    def _list(self) -> None:
        self._need("(")
        self._rest_of_list()

    def _rest_of_list(self) -> None:
        self.expression()
        while self._take(","):
            self.expression()
        self._need(")")

    def _take(self, *wanted: str) -> bool:
        if self.is_through or self._tokens[self._at] not in wanted:
            return False
        self._at += 1
        return True

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise _NotCesql

    def _expect(self, fits: Callable[[str], bool]) -> None:
        if self.is_through or not fits(self._tokens[self._at]):
            raise _NotCesql
        self._at += 1

    @staticmethod
    def _is_text(token: str) -> bool:
        return token[0] in "'\""

    @staticmethod
    def _is_name(token: str) -> bool:
        return token[0].isalpha() and token not in _RESERVED
