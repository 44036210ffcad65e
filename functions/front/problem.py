"""Explains a problem and what to do about it."""

from html import escape

from msgspec import Struct

from functions.front.advice import ADVICE
from functions.front.page import page
from shared.types.errors import PROBLEMS, NotFound, Problem
from shared.types.http import Content


class ShowProblem(Struct, frozen=True):
    slug: str


ERRORS = (NotFound,)


async def handle(request: ShowProblem) -> Content:
    for problem in PROBLEMS:
        if problem.slug == request.slug:
            return Content(page(problem.title, _body(problem)), "text/html; charset=utf-8")
    raise NotFound("There is no problem of this name.")


def _body(problem: type[Problem]) -> str:
    return (
        f"<h1>{escape(problem.title)}</h1>"
        f"<p class='soft'>Status {problem.status}, problem <code>{problem.slug}</code></p>"
        f"<h2>What to do</h2><p>{escape(ADVICE[problem.slug])}</p>"
        "<p>In the answer, <code>detail</code> says what was wrong this time; <code>request_id</code> finds it in the "
        "logs.</p>"
    )
