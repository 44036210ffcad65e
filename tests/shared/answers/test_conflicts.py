"""A sentence about another number, year, part or animal, or without the figure that is asked for, answers nothing."""

import pytest

from shared.answers.answer_type import AnswerType, answer_type
from shared.answers.evidence import Evidence, source_of
from shared.answers.question import understand
from shared.answers.scoring import likeliest
from shared.answers.type_match import type_match
from shared.types.passage import Found, Passage

TRACK = (
    "Kilometre 9 has a crossing. The rail is worn by 3 mm.\n\nKilometre 14 lies in a cutting. Water stands there.\n\n"
    "Kilometre 23 crosses a viaduct. The rail is worn by 7 mm."
)
WASHER = "The purge cycle takes twelve minutes. Dogs must stay outside. Its three motors were renewed in 2013."
WASCHRAUM = "Der Schleudergang dauert acht Minuten. Hunde müssen draußen bleiben. Das Haus wurde von Erna Pohl gekauft."
GPUS = "We multiply the training time by the number of GPUs of each model. We trained the models on 8 GPUs."
SALE = "Quandt hat die Walze an Brehm verkauft. Der Preis war gering."
LEASE = "In 2020 Orrin leased the barn to Halden."
SAME_TITLE = "The repair will be about 7,300 euros. Until then crane 2 unloads. The repair begins on Monday."
LEFT = (
    (TRACK, "By how much is the rail worn at Kilometre 23?", "The rail is worn by 7 mm.", "worn by 3 mm"),
    (TRACK, "By how much is the rail worn at Kilometre 9?", "The rail is worn by 3 mm.", "worn by 7 mm"),
    (TRACK, "By how much is the rail worn at Kilometre 14?", "", "worn"),
    (WASHER, "How long does the purge cycle take?", "The purge cycle takes twelve minutes.", ""),
    (WASHER, "How long does the rinse cycle take?", "", "purge"),
    (WASHER, "Are dogs allowed?", "Dogs must stay outside.", ""),
    (WASHER, "Are pets allowed?", "Dogs must stay outside.", ""),
    (WASHER, "Are cats allowed?", "", "Dogs"),
    (WASHER, "How many motors were renewed in 2015?", "", "2013"),
    (WASCHRAUM, "Darf ich meine Katze mitbringen?", "", "Hunde"),
    (WASCHRAUM, "Darf ich meinen Hund mitbringen?", "Hunde müssen draußen bleiben.", ""),
    (WASCHRAUM, "Wie lange dauert der Spülgang?", "", "Schleudergang"),
    (GPUS, "How many GPUs were used to train the models?", "We trained the models on 8 GPUs.", "multiply"),
    (GPUS, "How much does the training cost?", "", "8 GPUs"),
    (GPUS, "What is a mangle?", "", "GPUs"),
    (SALE, "An wen hat Quandt die Walze verkauft?", "Quandt hat die Walze an Brehm verkauft.", ""),
    (SALE, "An wen hat Brehm die Walze verkauft?", "", "Quandt"),
    (SALE, "Was hat Quandt an Brehm verkauft?", "Quandt hat die Walze an Brehm verkauft.", ""),
    (LEASE, "Who did Orrin lease the barn to?", "In 2020 Orrin leased the barn to Halden.", ""),
    (LEASE, "Who leased the barn to Halden?", "In 2020 Orrin leased the barn to Halden.", ""),
    (LEASE, "Who leased the barn to Orrin?", "", "leased"),
    (SAME_TITLE, "How much will the repair of crane 4 cost?", "The repair will be about 7,300 euros.", "crane 2"),
)


@pytest.mark.parametrize(("text", "question", "left", "excluded"), LEFT)
def test_a_sentence_that_cannot_answer_is_none_to_choose_from(
    text: str, question: str, left: str, excluded: str
) -> None:
    passage = Passage("psg", "doc", 1, 0, text, "Report on crane 4", "de" if "Hunde" in text else "en")
    chosen = [one.quote for one in likeliest(Evidence(understand(question), [source_of(Found(passage, 1.0), 0)]))]
    assert not left or left in chosen
    assert not excluded or not any(excluded in one for one in chosen)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Wie hoch ist der Kassenbestand?", AnswerType.NUMBER),
        ("Wie hoch ist der Kirchturm?", AnswerType.LENGTH),
        ("How high is the fault current?", AnswerType.NUMBER),
        ("Who pays the rent?", AnswerType.PERSON),
        ("When is the fee due?", AnswerType.DATE),
        ("When was the price raised?", AnswerType.PAST),
        ("Wie lang dauert die Führung?", AnswerType.DURATION),
        ("Wie viel verdient der Meister?", AnswerType.MONEY),
    ],
)
def test_the_question_says_what_type_of_answer_it_wants(question: str, kind: AnswerType) -> None:
    assert answer_type(question) is kind


@pytest.mark.parametrize(
    ("kind", "sentence", "least", "most"),
    [
        (AnswerType.PERSON, "Unter dem Putz kam ein Fresko mit Jungfrauen zum Vorschein.", 0.0, 0.0),
        (AnswerType.PERSON, "Der Pokal wurde in einem Teich bei Bernau gefunden.", 0.0, 0.0),
        (AnswerType.PERSON, "Die Karte zeichnete Johanna Delius.", 1.0, 1.0),
        (AnswerType.PERSON, "Das Rad nahm Frau Meier mit.", 1.0, 1.0),
        (AnswerType.PERSON, "Den Kran hält der Mieter in Ordnung.", 0.5, 0.9),
        (AnswerType.PERSON, "Das Bild ist von Rembrandt.", 0.1, 0.6),
        (AnswerType.NUMBER, "Heute überwachen vierzehn Stationen den Berg.", 1.0, 1.0),
        (AnswerType.NUMBER, "Dort standen einundzwanzig Bäume.", 1.0, 1.0),
        (AnswerType.NUMBER, "They eat about a kilogram of fish.", 1.0, 1.0),
        (AnswerType.PERCENT, "Die Stadt hält 98,4 Prozent.", 1.0, 1.0),
        (AnswerType.SPEED, "Er erreicht 50 Kilometer in der Stunde.", 1.0, 1.0),
    ],
)
def test_german_persons_and_numbers_in_words_are_found(
    kind: AnswerType, sentence: str, least: float, most: float
) -> None:
    words = frozenset(["wer", "wie", "viel", "prozent"])
    assert least <= type_match(kind, sentence, words, german=kind is AnswerType.PERSON) <= most
