"""What the encoder of words promises."""

from collections import Counter

import pytest

from shared.embedding.sparse import SparseEncoder, settings
from shared.language.detect import possible
from shared.types.sparse import Sparse

ENCODER = SparseEncoder()


def shared_words(question: Sparse, passage: Sparse) -> int:
    return len(set(question.indices) & set(passage.indices))


@pytest.mark.parametrize(
    ("language", "passage", "question"),
    [
        ("en", "The contracts were terminated.", "terminating a contract"),
        ("de", "Die Häuser wurden vermietet.", "vermieten Haus"),
        ("fr", "Les contrats sont résiliés.", "résilier contrat"),
        ("es", "Los contratos fueron cancelados.", "cancelar contrato"),
        ("ru", "Договоры были расторгнуты", "договор"),
        ("sv", "Flickorna läste", "flickor"),
    ],
)
def test_a_word_matches_its_other_forms(language: str, passage: str, question: str) -> None:
    assert shared_words(ENCODER.question(question, language), ENCODER.passage(passage, language)) >= 1


def test_stop_words_weigh_nothing() -> None:
    assert ENCODER.passage("the of and", "en") == Sparse((), ())
    assert ENCODER.question("der die das", "de") == Sparse((), ())


@pytest.mark.parametrize("language", ["pl", "uk", "ko", "xx"])
def test_a_language_without_a_stemmer_keeps_its_words_as_they_are(language: str) -> None:
    assert len(ENCODER.passage("umowa wygasła wczoraj", language).indices) == 3


def test_a_language_without_spaces_is_cut_into_words() -> None:
    assert shared_words(ENCODER.question("交货期", "zh"), ENCODER.passage("合同的交货期是两周", "zh")) >= 1


def test_more_often_weighs_more_but_less_and_less() -> None:
    once, twice, thrice = (ENCODER.passage("gold " * times + "silver", "en") for times in (1, 2, 3))
    weights = [max(sparse.values) for sparse in (once, twice, thrice)]
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] - weights[1] < weights[1] - weights[0]


def test_a_repeated_word_counts_once_in_a_sentence_and_each_time_in_a_long_question() -> None:
    assert set(ENCODER.question("gold gold silver", "en").values) == {1.0}
    long = " ".join(["gold"] * 3 + [f"word{number}" for number in range(30)])
    assert Counter(ENCODER.question(long, "en").values) == {1.0: 30, 3.0: 1}


def test_a_word_whose_language_is_unknown_is_found_in_any() -> None:
    question = ENCODER.question("Kündigungsfristen", *possible("Kündigungsfristen"))
    assert shared_words(question, ENCODER.passage("Die Kündigungsfrist beträgt drei Monate.", "de")) == 1
    assert set(question.values) == {1.0}


def test_any_text_can_be_encoded() -> None:
    for text in ("", "\ud800", "🙂", "\x00", "a" * 100_000):
        sparse = ENCODER.passage(text, "en")
        assert len(set(sparse.indices)) == len(sparse.indices) == len(sparse.values)


def test_the_settings_are_plain_values_and_the_same_each_time() -> None:
    assert settings() == settings()
    assert settings()["average_words"] > 0
