"""An evaluation measures what its names say."""

import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shared.evaluation.answers import GivenAnswer, Quoted, answer_measures, holds, judge_answer, overlap
from shared.evaluation.comparison import compare, sign_test
from shared.evaluation.judging import (
    faithfulness_of,
    faithfulness_prompt,
    questions_of,
    relevance_of,
    relevance_prompt,
)
from shared.evaluation.rankings import ranking_measures, ranking_scores
from shared.evaluation.reports import comparison_markdown, write_report
from shared.evaluation.runs import Measure, Run, RunItem, mean, percentile, read_run, share
from shared.evaluation.sets import GoldQuestion, SetError, read_questions, read_retrieval, sampled

ASKED = GoldQuestion("1", "When?", ("3 May", "03.05."), "a.md", "It opens on 3 May.", {"style": "formal"})
ABSENT = GoldQuestion("2", "Who?", tags={"style": "keywords"})


def answer(quote: str, document: str = "a.md", text: str = "", score: float = 0.9) -> GivenAnswer:
    return GivenAnswer(True, text or f"{quote} [1]", (Quoted(document, quote, score),), ("a.md",), 0.1)


REFUSED = GivenAnswer(False, "", found=("b.md",))


@pytest.mark.parametrize(
    ("question", "given", "outcome"),
    [
        (ASKED, answer("It opens on 3 May."), "right"),
        (ASKED, answer("IT  OPENS ON\n3\u00a0MAY."), "right"),
        (ASKED, answer("| gate | 03.05. |"), "right"),
        (ASKED, answer("It opens soon.", text="On 3 May [1]."), "right"),
        (ASKED, answer("It opens soon.", text="Soon [1]. On 3 May [2]."), "wrong"),
        (ASKED, answer("It opens on 13 May."), "wrong"),
        (ASKED, answer("It opens on 3 May.", document="b.md"), "wrong"),
        (ASKED, REFUSED, "refused"),
        (ABSENT, answer("Nobody."), "invented"),
        (ABSENT, REFUSED, "rightly refused"),
    ],
)
def test_an_answer_is_right_when_its_first_statement_holds_the_right_answer_of_the_right_file(
    question: GoldQuestion, given: GivenAnswer, outcome: str
) -> None:
    assert judge_answer(question, given).outcome == outcome


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("in 2012", "12", False),
        ("12.5 kg", "12", False),
        ("1,200", "200", False),
        ("12 kg", "12", True),
        ("a,12,b", "12", True),
        ("on the 12.", "12", True),
        ("the oﬃce", "OFFICE", True),
    ],
)
def test_a_number_is_no_part_of_a_longer_one(text: str, gold: str, expected: bool) -> None:
    assert holds(text, gold) is expected


def test_measures_count_what_was_answered_refused_and_cited() -> None:
    items = [
        judge_answer(ASKED, answer("It opens on 3 May.")),
        judge_answer(ASKED, answer("It opens on 9 May.", document="b.md")),
        judge_answer(ASKED, REFUSED),
        judge_answer(ABSENT, REFUSED),
        judge_answer(ABSENT, answer("Nobody.")),
    ]
    found = {name: round(one.value, 3) for name, one in answer_measures(items).items()}
    assert found == {
        "precision": 0.333, "recall": 0.333, "f1": 0.333, "refusal_precision": 0.5, "refusal_recall": 0.5,
        "right_decisions": 0.4, "found": 0.667, "quote_overlap": 0.9, "citation_precision": 0.5,
        "citation_recall": 0.5, "seconds_p50": 0.1, "seconds_p95": 0.1, "cost_usd": 0.0,
    }  # fmt: skip
    assert answer_measures([]) == {"cost_usd": Measure(0)}
    assert overlap("It opens [1] on 3 May", "It opens on 3 May.") == 1.0
    assert overlap("", "x") == 0.0


def test_shares_have_an_interval_and_percentiles_are_values_that_occurred() -> None:
    found = share(8, 10)
    assert found
    assert (round(found.low or 0, 3), round(found.high or 0, 3)) == (0.49, 0.943)
    assert share(0, 0) is None
    assert [percentile([4, 1, 3, 2], part) for part in (0.5, 0.95)] == [Measure(2, 4), Measure(4, 4)]
    assert percentile([], 0.5) is None
    assert mean([1, 0, 1, 1]) == share(3, 4)
    for values in ([1, 0.5, 1, 1, 1], [0, 0, 0.2, 0]):
        found = mean(values)
        assert found
        assert 0 <= (found.low or 0) < found.value < (found.high or 0) <= 1


def test_rankings_are_measured_as_ir_measures_does() -> None:
    import ir_measures
    from ir_measures import AP, RR, Qrel, R, ScoredDoc, nDCG

    draw = random.Random(7)
    documents = [f"d{number}" for number in range(40)]
    for _ in range(30):
        grades = {name: draw.randint(1, 3) for name in draw.sample(documents, draw.randint(1, 14))}
        ranked = draw.sample(documents, draw.randint(0, 25))
        qrels = [Qrel("q", name, grade) for name, grade in grades.items()]
        run = [ScoredDoc("q", name, float(-place)) for place, name in enumerate(ranked)]
        theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 10, RR @ 10, AP @ 10], qrels, run)
        expected = {"ndcg@10": nDCG @ 10, "recall@10": R @ 10, "mrr@10": RR @ 10, "map@10": AP @ 10}
        ours = ranking_scores(ranked, grades)
        assert ours == {name: pytest.approx(theirs[measure]) for name, measure in expected.items()}


def test_a_run_is_read_as_it_was_written_and_its_plots_are_drawings(tmp_path: Path) -> None:
    wild = GoldQuestion("3", "<b>|`x`\n", ("y",), tags={"style": "<b>"})
    items = (
        judge_answer(ASKED, answer("It opens on 3 May.")),
        judge_answer(ABSENT, REFUSED),
        judge_answer(wild, answer("<img src=x> | \n# z")),
    )
    run = Run("answers", "a set", "2026-03-01T00:00:00Z", answer_measures(items), items)
    write_report(run, tmp_path / "r")
    assert read_run(tmp_path / "r") == read_run(tmp_path / "r" / "run.json") == run
    text = (tmp_path / "r" / "report.md").read_text()
    assert "| formal | 1.000 |" in text
    assert "<" not in text.replace("\\<", "")
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    for name in ("outcomes.svg", "coverage.svg"):
        assert f"({name})" in text
        assert ElementTree.parse(tmp_path / "r" / name).getroot().tag.endswith("svg")
    ranked = RunItem("q", "q", scores=ranking_scores(["a"], {"a": 1}))
    write_report(Run("retrieval", "b", "now", ranking_measures([ranked]), (ranked,)), tmp_path / "s")
    assert "| ndcg@10 | 1.000 |" in (tmp_path / "s" / "report.md").read_text()
    (tmp_path / "bad.json").write_text("{}")
    for path in (tmp_path / "bad.json", tmp_path):
        with pytest.raises(ValueError, match=r"no run|cannot be read"):
            read_run(path)


def test_two_runs_are_compared_question_by_question() -> None:
    def run(kind: str, **outcomes: str) -> Run:
        items = tuple(RunItem(name, name, outcome, {"seconds": 1.0}) for name, outcome in outcomes.items())
        return Run("answers", kind, "now", answer_measures(items), items)

    before = run("old", a="right", b="wrong", c="invented", d="refused", e="right")
    after = run("new", a="right", b="right", c="rightly refused", d="wrong", f="right")
    found = compare(before, after)
    assert ([one.id for one in found.better], [one.id for one in found.worse]) == (["b", "c"], [])
    assert (found.questions, found.missing, found.p_value) == (4, ("e", "f"), 0.5)
    assert found.measures["recall"].change == pytest.approx(3 / 4 - 2 / 4)
    assert "| recall | 0.500 | 0.750 | +0.250 |" in comparison_markdown(found)
    assert sign_test(0, 0) == 1.0
    assert sign_test(1, 9) == pytest.approx(0.0215, abs=1e-4)
    for other in (run("other", z="right"), Run("retrieval", "x", "now", {}, ())):
        with pytest.raises(ValueError, match=r"in common|nothing to compare"):
            compare(before, other)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1"}', "line 1: Object missing required field `question`"),
        ('{"id": "1", "question": "a", "answer": "b"}', "line 1: Object contains unknown field `answer`"),
        ('{"id": "1", "question": "a", "document": "b.md"}', "question 1: there is no file documents/b.md"),
        ('{"id": "1", "question": "a"}\n{"id": "1", "question": "b"}', "question 1: its id stands twice"),
        ('{"id": "1", "question": " "}', "question 1: it is empty"),
        ('{"id": "1", "question": "a", "gold": [""]}', "question 1: an empty text is no right answer"),
        ("\n", "holds no question"),
        (None, "cannot be read"),
    ],
)
def test_a_set_that_cannot_be_read_names_the_line(tmp_path: Path, line: str | None, message: str) -> None:
    if line is not None:
        (tmp_path / "questions.jsonl").write_text(line)
    with pytest.raises(SetError, match=message.replace("(", r"\(")):
        read_questions(tmp_path)


def test_a_set_for_search_is_read_by_split_and_sampled(tmp_path: Path) -> None:
    folder = Path("docs/examples/retrieval")
    found = read_retrieval(folder, "test")
    assert found.grades == {"q1": {"a3": 1}, "q2": {"a2": 2}, "q3": {"a4": 1}}
    part = sampled(found, 1)
    assert (list(part.queries), {one.document_id for one in part.corpus}) == (["q1"], {"a1", "a2", "a3", "a4"})
    with pytest.raises(SetError, match="cannot be read"):
        read_retrieval(folder, "dev")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query\tdocument\tgrade\nq\td\thigh\n")
    with pytest.raises(SetError, match="line 2: not a query, a document and a whole number"):
        read_retrieval(tmp_path, "test")


@pytest.mark.parametrize(
    ("reply", "share_of_statements"),
    [
        ('{"statements": [{"statement": "a", "supported": true}, {"statement": "b", "supported": false}]}', 0.5),
        ('```json\n{"statements": [{"statement": "a", "supported": true}]}\n```', 1.0),
        ('{"statements": []}', None),
        ("I think so.", None),
    ],
)
def test_a_judge_that_replies_otherwise_judges_nothing(reply: str, share_of_statements: float | None) -> None:
    assert faithfulness_of(reply) == share_of_statements


def test_relevance_is_the_likeness_of_the_questions_an_answer_would_answer() -> None:
    assert questions_of('{"questions": ["a", " ", "b", "c", "d"]}') == ["a", "b", "c"]
    assert questions_of("no") == []
    assert relevance_of([1.0, 0.0], [[2.0, 0.0], [0.0, 1.0]]) == 0.5
    assert relevance_of([1.0], []) is None
    body = faithfulness_prompt("q", "a", ["one", "two"]).body("m")
    assert "[2] two" in body["messages"][1]["content"]
    assert body["response_format"]["json_schema"]["schema"]["properties"]["statements"]["type"] == "array"
    assert relevance_prompt("a").body("m")["response_format"]["json_schema"]["name"] == "relevance"
