"""Makes the control tokens of models' templates harmless where they stand in documents, questions and earlier turns.

A model's server reads `<|im_end|>` as the end of a speaker's turn, whoever wrote it. So the brackets of every such
token are exchanged for others that look alike and that no tokenizer's normal form turns back. Each character is
exchanged for one character: offsets stay, and a quote is found at the place it was taken from.
"""

import re
from collections.abc import Iterable
from typing import Protocol

_BRACKETS = "<>[]"
_LOOKALIKES = "‹›⁅⁆"
_HARMLESS = str.maketrans(_BRACKETS, _LOOKALIKES)
_RESTORED = str.maketrans(_LOOKALIKES, _BRACKETS)

_ANGLED = (
    "s bos eos pad unk mask sep cls eot eop sop image video audio img vision "
    "start_of_turn end_of_turn start_of_image end_of_image image_soft_token bos_token eos_token "
    "fim_prefix fim_middle fim_suffix fim_pad file_sep repo_name "
    "think thinking thought reasoning answer tool_call tool_calls tool_response tools function_call functions "
    "arg_key arg_value system user assistant human model observation developer minimax:tool_call"
)
_SQUARE = (
    "INST AVAILABLE_TOOLS TOOL_RESULTS TOOL_CALLS TOOL_CONTENT SYSTEM_PROMPT MODEL_SETTINGS ARGS CALL_ID THINK IMG "
    "IMG_END IMG_BREAK AUDIO BEGIN_AUDIO PREFIX MIDDLE SUFFIX gMASK sMASK MASK CLS SEP PAD UNK BOS EOS EOT"
)

_LONGEST = 80
"""Characters between the brackets of a token."""


def _any_of(words: str) -> str:
    return "|".join(re.escape(word) for word in words.split())


def _pattern(opening: str, closing: str, square: str, square_end: str) -> re.Pattern[str]:
    """The tokens with these brackets. Among pipes a name may be anything, so that a new model's are known too. Names
    are compared only where a bracket closes soon: a text of nothing but brackets takes little longer than another."""
    name = rf"[^{opening}{closing}<>|｜\s]{{1,64}}"
    closes = rf"(?=[^{opening}{closing}<>\s]{{1,{_LONGEST}}}{closing})"
    square_closes = rf"(?=[^{square}{square_end}\s]{{1,{_LONGEST}}}{square_end})"
    return re.compile(
        rf"{opening}{closes}(?:[|｜]{name}[|｜]?|{name}[|｜]"
        rf"|/?(?:{_any_of(_ANGLED)}|unused\d+|extra_id_\d+|reserved_\d+)){closing}"
        rf"|{opening}{opening}/?SYS{closing}{closing}"
        rf"|{square}{square_closes}/?(?:{_any_of(_SQUARE)}|img-\d+|control_\d+){square_end}"
        rf"|{square_end}~!?b[{square}{square_end}]|{square}e~{square}",
        re.IGNORECASE,
    )


_TOKEN = _pattern("<", ">", r"\[", r"\]")
_BROKEN = _pattern("‹", "›", "⁅", "⁆")


class MarkedText(Protocol):
    """A part of a message; `ours` are instructions of our own making."""

    @property
    def text(self) -> str: ...

    @property
    def ours(self) -> bool: ...


def harmless(text: str) -> str:
    """The text without control tokens, character by character as long as before."""
    while (broken := _TOKEN.sub(lambda found: found[0].translate(_HARMLESS), text)) != text:
        text = broken
    return text


def joined(pieces: Iterable[MarkedText]) -> str:
    """A message of pieces in which only tokens that are wholly ours still work, even where two pieces make one."""
    pieces = tuple(pieces)
    if all(piece.ours for piece in pieces):
        return "".join(piece.text for piece in pieces)
    ours = "".join(("1" if piece.ours else "0") * len(piece.text) for piece in pieces)
    text = "".join(piece.text if piece.ours else harmless(piece.text) for piece in pieces)
    while (broken := _TOKEN.sub(lambda found: _unless_ours(found, ours), text)) != text:
        text = broken
    return text


def restored(text: str) -> str:
    """What a model says of a token that it was shown harmless, as it stood in the document."""
    return _BROKEN.sub(lambda found: found[0].translate(_RESTORED), text)


def _unless_ours(found: re.Match[str], ours: str) -> str:
    begin, end = found.span()
    return found[0] if "0" not in ours[begin:end] else found[0].translate(_HARMLESS)
