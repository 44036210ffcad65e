"""Every quote stands literally in its passage, and every mark has its citation."""

from msgspec.structs import replace

from shared.answers.citations import compose, verify
from shared.answers.extractive import Extracted, Statement
from shared.types.passage import Passage

DAM = Passage(
    "psg_1", "doc_1", generation=1, position=0, text="The dam is 31 metres high. It was built in 1958.", page=3
)
CLUB = Passage(
    "psg_2", "doc_2", generation=1, position=0, text="The club meets on Thursdays [4].", box=(0.1, 0.1, 0.9, 0.2)
)
PASSAGES = {passage.passage_id: passage for passage in (DAM, CLUB)}
TITLES = {"doc_1": "Dams", "doc_2": "Clubs"}


def extracted(*statements: tuple[Passage, str]) -> Extracted:
    chosen = tuple(Statement(passage, quote, 0.9) for passage, quote in statements)
    return Extracted(bool(chosen), chosen, 0.9 if chosen else 0.1)


def test_quotes_are_numbered_by_first_use() -> None:
    text, citations = compose(
        extracted((DAM, "The dam is 31 metres high."), (CLUB, "The club meets on Thursdays [4].")), TITLES
    )
    assert text == "The dam is 31 metres high. [1] The club meets on Thursdays [4]. [2]"
    assert [(each.index, each.title, each.page, each.box) for each in citations] == [
        (1, "Dams", 3, None),
        (2, "Clubs", None, (0.1, 0.1, 0.9, 0.2)),
    ]


def test_a_quote_used_twice_has_one_number() -> None:
    text, citations = compose(extracted((DAM, "It was built in 1958."), (DAM, "It was built in 1958.")), TITLES)
    assert text == "It was built in 1958. [1] It was built in 1958. [1]"
    assert len(citations) == 1


def test_a_refusal_composes_to_nothing() -> None:
    assert compose(extracted(), TITLES) == ("", ())


def test_what_was_composed_is_verified_unchanged() -> None:
    text, citations = compose(
        extracted((CLUB, "The club meets on Thursdays [4]."), (DAM, "It was built in 1958.")), TITLES
    )
    verified = verify(text, citations, PASSAGES)
    assert (verified.answered, verified.text, verified.citations) == (True, text, citations)


def test_an_invented_quote_loses_its_citation_and_its_mark() -> None:
    _, citations = compose(extracted((DAM, "The dam is 31 metres high."), (DAM, "It was built in 1958.")), TITLES)
    forged = (replace(citations[0], quote="The dam is 99 metres high."), citations[1])
    verified = verify("It is high [1]. It is old [2].", forged, PASSAGES)
    assert verified.text == "It is high. It is old [1]."
    assert [(each.index, each.quote) for each in verified.citations] == [(1, "It was built in 1958.")]


def test_a_mark_without_citation_goes() -> None:
    _, citations = compose(extracted((DAM, "It was built in 1958.")), TITLES)
    assert verify("Old [1], wide [7].", citations, PASSAGES).text == "Old [1], wide."


def test_marks_are_renumbered_by_first_use_in_the_text() -> None:
    _, citations = compose(extracted((DAM, "The dam is 31 metres high."), (DAM, "It was built in 1958.")), TITLES)
    verified = verify("Built in 1958 [2], 31 metres high [1][2].", citations, PASSAGES)
    assert verified.text == "Built in 1958 [1], 31 metres high [2][1]."
    assert [each.quote for each in verified.citations] == ["It was built in 1958.", "The dam is 31 metres high."]


def test_an_answer_without_any_held_citation_is_none() -> None:
    _, citations = compose(extracted((DAM, "It was built in 1958.")), TITLES)
    elsewhere = tuple(replace(each, passage_id="psg_9") for each in citations)
    for verified in (verify("Old [1].", elsewhere, PASSAGES), verify("No mark at all.", citations, PASSAGES)):
        assert (verified.answered, verified.text, verified.citations) == (False, "", ())
