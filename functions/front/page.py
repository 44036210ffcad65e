"""The layout of our own pages: one small style sheet, no script, no external resource."""

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #d0d7de; --soft: #57606a; --back: #f6f8fa; --accent: #0b5cad; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #30363d; --soft: #9da7b3; --back: #161b22; --accent: #6cb6ff; }}
}}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.7rem; }} h2 {{ margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }}
a {{ color: var(--accent); }} .soft {{ color: var(--soft); }}
code, pre {{ font: .9em ui-monospace, monospace; background: var(--back); border-radius: 4px; }}
code {{ padding: .1em .3em; }} pre {{ padding: .8rem; overflow-x: auto; }}
details {{ border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem; }}
summary {{ cursor: pointer; }}
summary b {{ display: inline-block; min-width: 4.5rem; font-family: ui-monospace, monospace; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(title: str, body: str) -> bytes:
    """A whole page; `body` is HTML whose texts are escaped already."""
    return _PAGE.format(title=escape(title), body=body).encode()
