"""Passages a page, and the tokens of the prompts that are made of them: the figures behind `docs/month.py`.

    python -m tests.speed passages FOLDER

Each PDF in the folder is parsed and cut as after an upload. A question's prompt has as many passages as `POST /ask`
puts there; a passage that is searched for entities is sent with the schema, as to a model in the cloud. Tokens are
counted by the tokenizer of the built-in embedding model: other models' differ by some percent.
"""

import argparse
import asyncio
from pathlib import Path
from statistics import mean

from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.answers.prompting import prompt
from shared.extraction.modelled import extraction_task
from shared.extraction.port import About
from shared.language.detect import detect
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.proxy.execution.prompts import call_of, with_schema_instruction
from shared.proxy.task import LLMTask
from shared.retrieval.sources import RetrievedSource
from shared.types.errors import AegisError
from shared.types.passage import Found, Passage
from shared.types.payer import Payer
from tests.documents.routed import parsed

QUESTION = "What are the main points about performance, and which figures are given for it?"
SOURCES, PROMPT_TOKENS = 8, 3000
"""The defaults of a question at standard quality: its `limit` and its room for sources."""
_AROUND_MESSAGE = 4
_COUNTER = TokenCounter()
_ABOUT = About("internal", Payer("ten_a"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(asyncio.run(_measured(sorted(parser.parse_args().folder.rglob("*.pdf")))))


async def _measured(paths: list[Path]) -> str:
    pages, passages, pool = 0, list[Passage](), ParserPool(ParsingLimits())
    lines = [f"{'file':40} {'pages':>6} {'passages':>9}"]
    try:
        for path in paths:
            try:
                document = await parsed(pool, path.name, path.read_bytes())
            except AegisError as error:
                lines.append(f"{path.name:40} left out: {error}")
                continue
            drafts = split(document, title=path.stem, count_tokens=_COUNTER, detect_language=detect)
            passages += [Passage("psg", "doc", 1, at, one.text, one.context) for at, one in enumerate(drafts)]
            pages += document.pages
            lines.append(f"{path.name:40} {document.pages:6} {len(drafts):9}")
    finally:
        await pool.close()
    lines.append(f"passages a page                          {len(passages) / pages:.1f}")
    searched = [_tokens(extraction_task(one, _ABOUT)) for one in passages]
    lines.append(f"tokens of a passage searched for entities {mean(searched):.0f}")
    asked = [question_tokens(passages[at : at + SOURCES]) for at in range(0, len(passages) - SOURCES, SOURCES)]
    lines.append(f"tokens of a question with {SOURCES} passages      {mean(asked):.0f}")
    return "\n".join(lines)


def question_tokens(passages: list[Passage]) -> int:
    sources = [RetrievedSource(Found(one, 0.5), one.context, "internal") for one in passages]
    packed = prompt(QUESTION, "internal", sources, (), PROMPT_TOKENS)
    return _tokens(LLMTask(kind="generation", payer=_ABOUT.payer, messages=packed.messages))


def _tokens(task: LLMTask) -> int:
    call = call_of(task, "a model", 60)
    messages = (with_schema_instruction(call) if task.schema else call).messages
    return sum(_AROUND_MESSAGE + count for count in _COUNTER([message.text for message in messages]))


if __name__ == "__main__":
    main()
