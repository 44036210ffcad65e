"""What the count of tokens promises."""

from functions.chunk.tokens import BATCH_CHARACTERS, TokenCounter

COUNT = TokenCounter()


def test_words_are_counted_as_the_model_reads_them() -> None:
    assert COUNT(["hello world", "", "unbelievable!", "Grüße"]) == [2, 0, 2, 3]


def test_nothing_is_cut_short() -> None:
    assert COUNT(["word " * 5000]) == [5000]


def test_many_texts_are_counted_in_their_order() -> None:
    long = "word " * (BATCH_CHARACTERS // 5)
    assert COUNT([long, "one", long, "one two"]) == [BATCH_CHARACTERS // 5, 1, BATCH_CHARACTERS // 5, 2]


def test_the_count_of_a_whole_is_the_sum_of_its_parts() -> None:
    parts = ["## Heading one", "A sentence, with 3.5 marks!", "| a | b |\n| --- | --- |", "日本語 text"]
    assert COUNT(["\n\n".join(parts)]) == [sum(COUNT(parts))]


def test_half_a_character_is_no_error() -> None:
    assert COUNT(["a \ud800 b"])[0] >= 2
