"""The weights are those that the program writes, from a set that is as large and mixed as the report says."""

from collections import Counter
from itertools import combinations

from shared.answers.evidence import Candidate, Evidence, words_of
from shared.answers.extractive import ScoredSentences
from shared.answers.question import understand
from shared.answers.scoring import SentenceScores
from shared.answers.stems import WORD
from shared.answers.weights import fitted_weights
from shared.evaluation.answers import holds
from shared.evaluation.sets import GoldQuestion
from shared.types.passage import Passage
from tests.fitting.__main__ import source_digest
from tests.fitting.fit import fit, folds, held_out_documents
from tests.fitting.samples import Sample, read_set


def test_the_weights_come_from_this_set_and_this_program() -> None:
    assert fitted_weights().fitted_from == source_digest(), "run `make fit` and commit what it writes"


def test_the_set_is_of_many_kinds_and_of_both_languages() -> None:
    found = read_set()
    assert len(found.documents) >= 60
    assert len(found.questions) >= 400
    count = {tag: Counter(one.tags[tag] for one in found.questions) for tag in ("language", "kind", "style")}
    assert min(count["language"].values()) / len(found.questions) > 0.45
    assert len(count["kind"]) >= 10
    assert len(count["style"]) >= 5
    near_misses = Counter(one.tags["language"] for one in found.questions if not one.is_answerable)
    assert min(near_misses.values()) >= 80
    assert len({one.question for one in found.questions}) == len(found.questions)


def test_every_right_answer_stands_in_its_quote_and_no_two_documents_are_alike() -> None:
    found = read_set()
    for one in found.questions:
        assert not one.gold or any(holds(one.quote, gold) for gold in one.gold), one.question_id
    texts = [set(WORD.findall(path.read_text().lower())) for path in found.documents]
    assert all(len(one & other) < 0.6 * min(len(one), len(other)) for one, other in combinations(texts, 2))


def test_no_document_is_in_two_parts_of_a_fit() -> None:
    documents = [f"{number}.md" for number in range(40)]
    held_out = held_out_documents(documents, lambda name: "de" if name < "2" else "en")
    parts = folds([name for name in documents if name not in held_out])
    assert len(held_out) == 10
    assert sorted(name for part in parts for name in part.inside) == sorted(set(documents) - held_out)
    assert all(part.inside.isdisjoint(part.outside) for part in parts)


def _scores(passage: Passage, met: float, opposed: float = 0.0) -> SentenceScores:
    candidate = Candidate(passage, 0, 0, 4, passage.text, words_of(passage.text), words_of(passage.text))
    half = dict.fromkeys(SentenceScores.__struct_fields__, 0.5)
    fields = {**half, "candidate": candidate, "met": met, "opposed": opposed, "unmet": False}
    return SentenceScores(**fields)  # type: ignore[arg-type]


def test_a_fit_finds_the_score_that_tells_right_from_wrong_and_is_the_same_each_time() -> None:
    """Right sentences meet the question; those that oppose it never are right, however much they meet."""
    evidence = Evidence(understand("Where is it?"), [])
    passage = Passage("psg", "doc", 1, 0, "Text of a passage.")
    samples = [
        Sample(GoldQuestion(str(at), "Where?"), "all", False, None, ScoredSentences(evidence, scores), right)
        for at in range(20)
        for scores, right in (
            ([_scores(passage, 0.9), _scores(passage, 0.2 + at / 50)], (True, False)),
            ([_scores(passage, 0.9, opposed=1.0), _scores(passage, 0.1)], (False, False)),
        )
    ]
    found = fit(samples, german=False)
    assert max(found.order.__struct_fields__, key=lambda name: float(getattr(found.order, name))) == "met"
    assert found.decision.opposed < -1
    assert found == fit(samples, german=False)
