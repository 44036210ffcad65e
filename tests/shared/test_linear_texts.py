"""What reads questions, answers of models, passages and documents takes linear time, whatever they repeat."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from functions.chunk.splitter import split
from shared.answers.answer_type import AnswerType, answer_type
from shared.answers.citations import AnswerText
from shared.answers.evidence import Evidence, source_of, words_of
from shared.answers.inert import inert
from shared.answers.question import understand
from shared.answers.scoring import likeliest
from shared.answers.sentences import sentences_of
from shared.answers.support import SupportCheck
from shared.answers.type_match import type_match
from shared.embedding.sparse import SparseEncoder
from shared.estimation.token_estimator import TokenEstimator
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.language.detect import detect
from shared.parsing.decoding import decode
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.light.html_styles import StyleSheets
from shared.parsing.light.parsers import MODULES, parse_light
from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.parsing.xml_entities import check_entities, with_html_entities
from shared.proxy.execution.control_tokens import harmless, restored
from shared.proxy.execution.schema import NotTheSchema, read
from shared.proxy.routing.complexity import judge
from shared.runtime.http.bounded_json import UnreadableJsonError
from shared.runtime.http.bounded_json import decode as decode_json
from shared.types.errors import Problem, Rejected
from shared.types.passage import Found, Passage
from shared.upstreams.faults import fault_of
from tests.hostile.texts import UNITS, growth

_QUICK_S = 0.03
_PARSER_QUICK_S = 0.06


# Every pattern is held to all of `UNITS` by itself; here some of them show loops that are not linear.


_NOT_HELD = {"application/epub+zip", "multipart/related", "text/x-rst"}
"""Formats that are read by the parsers of others, and reStructuredText: docutils takes quadratic time over one long
line, in a worker that has a limit on its processor time."""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _found(text: str) -> Found:
    return Found(Passage("psg_1", "doc_1", 1, 0, text, "Title", "en", 1, None, None), 1.0)


def _check_answer(text: str) -> None:
    check = SupportCheck([_found("The crane lifts 3 tonnes. It was built in 1968.")], AnswerText({}))
    for first in range(0, len(text), 7):
        deque(check.feed(text[first : first + 7]), maxlen=0)
    deque(check.finish(), maxlen=0)


def _check_against(passage: str) -> None:
    check = SupportCheck([_found(passage)], AnswerText({}))
    deque(check.feed("The crane lifts 3 tonnes [1]. See https://a.example/b [1].\n"), maxlen=0)
    deque(check.finish(), maxlen=0)


def _choose_sentences(passage: str) -> None:
    likeliest(Evidence(understand("How many tonnes does the crane lift?"), [source_of(_found(passage), 0)]))


def _match_types(text: str) -> None:
    for wanted in AnswerType:
        type_match(wanted, text, frozenset({"crane"}))


def _route(text: str) -> None:
    content = _bytes(text)
    for name in ("a.txt", "a.md", "a", "a.html", "a.tex"):
        with suppress(Problem):
            FormatRouter().route(name, "", content[: 64 * 1024], len(content))


def _count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _chunk(text: str) -> None:
    for kind in ("paragraph", "list", "code"):
        document = ParsedDocument((Block(kind, text),))
        split(
            document, title="", count_tokens=lambda texts: [len(each.split()) for each in texts], detect_language=detect
        )


def _markdown(text: str) -> None:
    for kind in ("heading", "paragraph", "list", "code", "quote"):
        to_markdown(ParsedDocument((Block(kind, text, aside=kind == "quote"),)))


def _schema(text: str) -> None:
    with suppress(NotTheSchema):
        read(text, {"type": "object"})


def _json(text: str) -> None:
    with suppress(UnreadableJsonError):
        decode_json(_bytes(text))


def _decode(text: str) -> None:
    with suppress(Rejected):
        decode(_bytes(text))


def _entities(text: str) -> None:
    with suppress(Rejected):
        check_entities(_bytes(text))


WORKS: dict[str, Callable[[str], object]] = {
    "answer": _check_answer,
    "passage of an answer": _check_against,
    "choice of sentences": _choose_sentences,
    "types of answers": _match_types,
    "question": understand,
    "type of a question": answer_type,
    "complexity": judge,
    "sentences": lambda text: deque(sentences_of(text), maxlen=0),
    "words": words_of,
    "inert text": inert,
    "control tokens": harmless,
    "restored tokens": restored,
    "schema": _schema,
    "JSON": _json,
    "fault of a server": lambda text: fault_of(400, text),
    "language": detect,
    "words of a passage": lambda text: SparseEncoder().passage(text, "en"),
    "words of a question": lambda text: SparseEncoder().question(text, "en", "de"),
    "tokens": lambda text: TokenEstimator(text).tokens(text),
    "format": _route,
    "file name": safe_filename,
    "decoding": _decode,
    "entities": _entities,
    "chunks": _chunk,
    "Markdown": _markdown,
}


OPENED: dict[str, Callable[[str], object]] = {
    "<![CDATA[": lambda text: with_html_entities(_bytes(text)),
    "<style>": StyleSheets.of,
    "/*a ": lambda text: StyleSheets.of(f"<style>{text}</style>"),
    "<style>/*a ": StyleSheets.of,
}
"""What begins and never ends, and what looks for the end of it."""


def _failures(work: Callable[[str], object], units: Sequence[str], quick_s: float) -> list[str]:
    return [wrong for unit in units if (wrong := growth(work, unit, quick_s))]


@pytest.mark.parametrize("name", WORKS)
def test_text_is_read_in_linear_time(name: str) -> None:
    assert _failures(WORKS[name], UNITS[::4], _QUICK_S) == []


@pytest.mark.parametrize("unit", OPENED)
def test_what_is_never_closed_is_looked_for_once(unit: str) -> None:
    assert growth(OPENED[unit], unit) == ""


@pytest.mark.parametrize("media_type", sorted({*MODULES} - _NOT_HELD))
def test_a_light_format_is_parsed_in_linear_time(media_type: str) -> None:
    limits = ParsingLimits()

    def work(text: str) -> None:
        with suppress(Rejected, RecursionError):
            parse_light(media_type, _bytes(text), limits)

    assert _failures(work, UNITS[::6], _PARSER_QUICK_S) == []
