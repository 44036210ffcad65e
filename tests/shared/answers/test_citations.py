"""Every quote stands literally in its passage, and every mark has its citation."""

from shared.answers.citations import AnswerText
from shared.types.passage import Passage

DAM = Passage(
    "psg_1", "doc_1", generation=1, position=0, text="The dam is 31 metres high. It was built in 1958.", page=3
)
CLUB = Passage(
    "psg_2", "doc_2", generation=1, position=0, text="The club meets on Thursdays [4].", box=(0.1, 0.1, 0.9, 0.2)
)
TITLES = {"doc_1": "Dams", "doc_2": "Clubs"}


def quoting(*quotes: tuple[Passage, str]) -> AnswerText:
    answer = AnswerText(TITLES)
    for passage, quote in quotes:
        answer.add(quote, passage, quote, 0.9)
    return answer


def test_quotes_are_numbered_by_first_use() -> None:
    answer = quoting((DAM, "The dam is 31 metres high."), (CLUB, "The club meets on Thursdays [4]."))
    assert answer.text == "The dam is 31 metres high. [1] The club meets on Thursdays [4]. [2]"
    assert [(each.index, each.title, each.page, each.box) for each in answer.citations] == [
        (1, "Dams", 3, None),
        (2, "Clubs", None, (0.1, 0.1, 0.9, 0.2)),
    ]


def test_a_quote_used_twice_has_one_number_and_is_announced_once() -> None:
    answer = AnswerText(TITLES)
    added = [answer.add("It is old", DAM, "It was built in 1958.", 0.9, ".") for _ in range(2)]
    assert answer.text == "It is old [1]. It is old [1]."
    assert [piece.citation is not None for piece in added if piece] == [True, False]
    assert len(answer.citations) == 1


def test_an_answer_without_statements_is_empty() -> None:
    assert (quoting().text, quoting().citations) == ("", ())


def test_an_invented_quote_leaves_neither_a_mark_nor_a_citation() -> None:
    answer = quoting((DAM, "The dam is 99 metres high."), (DAM, " "), (DAM, "It was built in 1958."))
    assert answer.text == "It was built in 1958. [1]"
    assert [(each.index, each.quote) for each in answer.citations] == [(1, "It was built in 1958.")]


def test_the_pieces_joined_are_the_answer() -> None:
    answer = AnswerText(TITLES)
    quotes = [(DAM, "The dam is 31 metres high."), (CLUB, "The club meets on Thursdays [4].")]
    pieces = [answer.add(quote, passage, quote, 0.9) for passage, quote in quotes]
    assert "".join(piece.text for piece in pieces if piece) == answer.text


def test_what_another_answerer_cites_again_is_not_stated_twice() -> None:
    answer = quoting((DAM, "The dam is 31 metres high."))
    answer.go_on_elsewhere()
    assert answer.add("High", DAM, "The dam is 31 metres high.", 0.9) is None
    assert answer.add("Old", DAM, "It was built in 1958.", 0.9)
    assert answer.text == "The dam is 31 metres high. [1] Old [2]"


def test_the_text_is_inert_and_its_quote_is_literal() -> None:
    quote = "See ![plan](https://dam.example/plan.png)."
    passage = Passage("psg_3", "doc_1", generation=1, position=0, text=f"{quote} It is high.")
    answer = quoting((passage, quote))
    assert answer.text == "See [plan] (`https://dam.example/plan.png`). [1]"
    assert answer.citations[0].quote == quote
