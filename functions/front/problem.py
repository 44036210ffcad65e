"""Says what a problem means and what to do about it."""

from html import escape

from msgspec import Struct

from functions.front.advice import ADVICE
from shared.runtime.errors import PROBLEMS, NotFound
from shared.types.http import Content

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; }}
  code {{ background: #f0f1f3; padding: .1em .3em; border-radius: 4px; }}
  .status {{ color: #57606a; }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #0d1117; color: #e6edf3; }} code {{ background: #21262d; }} .status {{ color: #9da7b3; }}
  }}
</style>
<main>
<h1>{title}</h1>
<p class="status">Status {status}, problem <code>{slug}</code></p>
<h2>What to do</h2>
<p>{advice}</p>
<p>In the answer, <code>detail</code> says what was wrong this time; <code>request_id</code> finds it in the logs.</p>
</main>
</html>
"""


class ShowProblem(Struct, frozen=True):
    slug: str


async def handle(request: ShowProblem) -> Content:
    for problem in PROBLEMS:
        if problem.slug == request.slug:
            advice = escape(ADVICE[problem.slug])
            page = _PAGE.format(title=escape(problem.title), status=problem.status, slug=problem.slug, advice=advice)
            return Content(page.encode(), "text/html; charset=utf-8")
    raise NotFound("There is no problem of this name.")
