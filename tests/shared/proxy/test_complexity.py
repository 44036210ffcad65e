"""A question's complexity is told by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proxy.routing.complexity import judge

SIMPLE = [
    "What is the notice period?",
    "Who signed the contract?",
    "When was Docling donated to the LF AI & Data Foundation?",
    "How many pages does the report have?",
    "How much memory does the parser need?",
    "Where is the head office?",
    "What was the revenue in 2024?",
    "Which port does Redis listen on?",
    "List the members of the board.",
    "How do I reset my password?",
    "Is the warranty valid abroad?",
    "What does HNSW stand for?",
    "invoice 4711",
    "What is the name of the author of the report?",
    "Was ist die Kündigungsfrist?",
    "Wer hat den Vertrag unterschrieben?",
    "Wann wurde die Anlage in Betrieb genommen?",
    "Wie viele Mitarbeiter hat das Werk?",
    "Wie lange gilt die Garantie?",
    "Wo liegt der Hauptsitz?",
    "Welche Temperatur darf der Motor höchstens erreichen?",
    "Wie heißt der Geschäftsführer?",
    "",
]

COMPLEX = [
    "What is the difference between HNSW and IVF?",
    "Compare the warranty terms of both suppliers.",
    "Is model A faster than model B?",
    "Why did the pump fail?",
    "How does the router decide where a model runs?",
    "Explain the liability clause.",
    "Who founded the company and when was it sold?",
    "What is the deadline? Who approves it?",
    "Summarize the findings across all reports.",
    "What are the pros and cons of leasing?",
    "What impact does a late delivery have on the penalty?",
    "Answer these: 1. who pays 2. who is liable",
    'Does "Annex A" say the same as "Annex B"?',
    "Do report-2023.pdf and report-2024.pdf name the same auditor?",
    "Which supplier delivered the valve of the pump that failed, if it was replaced in May?",
    "In which city is the university whose founder wrote the foreword of the book of the year?",
    "Was ist der Unterschied zwischen Miete und Leasing?",
    "Vergleiche die beiden Angebote.",
    "Ist Modell A schneller als Modell B?",
    "Warum ist die Pumpe ausgefallen?",
    "Wie funktioniert die Abrechnung?",
    "Wer hat die Firma gegründet und wann wurde sie verkauft?",
    "Fasse die Ergebnisse zusammen.",
    "Welche Auswirkungen hat eine verspätete Lieferung?",
    "Erkläre die Haftungsklausel Schritt für Schritt.",
    "Welche Vor- und Nachteile hat die Lösung?",
    "Please find " + "the term " * 21 + "in it",
]


@pytest.mark.parametrize("question", SIMPLE)
def test_a_question_for_one_fact_is_simple(question: str) -> None:
    assert judge(question) == "simple"


@pytest.mark.parametrize("question", COMPLEX)
def test_a_question_that_weighs_joins_or_explains_is_complex(question: str) -> None:
    assert judge(question) == "complex"


def test_several_chosen_documents_weigh_with_another_sign() -> None:
    assert judge("What does it cost?", documents=3) == "simple"
    assert judge("What does it cost if it is late?", documents=3) == "complex"


@given(st.text(max_size=500))
def test_any_text_is_judged(text: str) -> None:
    assert judge(text) in ("simple", "complex")


def test_the_longest_question_is_judged_at_once() -> None:
    assert judge("of the a " * 900) == "complex"
    assert judge("„" * 8000) == "simple"
