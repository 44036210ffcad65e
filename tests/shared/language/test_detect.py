"""What the language detection promises."""

import time

import pytest

from shared.language.detect import detect, possible

QUESTIONS = {
    "ar": "ما هو موعد التسليم؟",
    "cs": "Kde je smlouva, která byla podepsána?",
    "da": "Hvad er leveringstiden for produktet, og hvornår blev aftalen fornyet?",
    "de": "Wer hatte die meisten Punkte?",
    "el": "Ποια είναι η προθεσμία;",
    "en": "What is the term of delivery?",
    "es": "¿Cuál es el plazo de entrega?",
    "fi": "Mikä on tuotteen toimitusaika?",
    "fr": "Quelle est la durée du contrat ?",
    "hu": "Mi a szállítási határidő?",
    "it": "Qual è il termine di consegna?",
    "ja": "納期はいつですか",
    "nl": "Hoeveel jaar geldt de garantie?",
    "no": "Hva er leveringstiden for produktet, og når ble avtalen fornyet?",
    "pl": "Jaki jest termin dostawy?",
    "pt": "Qual é o prazo de entrega?",
    "ro": "Care este termenul de livrare?",
    "ru": "Какой срок поставки?",
    "sv": "Vad är leveranstiden för produkten?",
    "tr": "Teslimat süresi ne kadar?",
    "uk": "Який термін дії договору? Він діє.",
    "zh": "交货期是多久",
}


@pytest.mark.parametrize(("language", "question"), QUESTIONS.items())
def test_a_question_shows_its_language(language: str, question: str) -> None:
    assert detect(question) == language


@pytest.mark.parametrize("text", ["", "   ", "4711", "Aspirin", "H2O + CO2", "§ 12 (3) 🙂", "\ud800"])
def test_a_text_without_signs_is_taken_for_english(text: str) -> None:
    assert detect(text) == "en"


def test_a_lone_word_may_be_in_many_languages() -> None:
    assert set(possible("Mietvertrag")) > {"en", "de", "nl", "sv"}


def test_a_whole_sentence_is_in_one() -> None:
    assert possible("Wie lange ist die Frist, wenn der Vertrag gekündigt wird?") == ("de",)
    assert possible("How long is the period when the contract has been terminated?") == ("en",)


def test_names_from_elsewhere_do_not_change_the_language() -> None:
    assert detect("Der Vertrag mit der Los Angeles Times und La Stampa wurde von El País nicht verlängert.") == "de"
    assert detect("The Société Générale and the Dow Jones were both mentioned in Die Zeit.") == "en"
    assert detect("The word ἀρχή (beginning) is the first of the text and it has been discussed often.") == "en"


def test_long_texts_take_no_longer_than_their_beginning() -> None:
    text = "The contract ends when the parties have agreed on it in writing. " * 20_000
    start = time.thread_time()
    assert detect(text) == "en"
    assert time.thread_time() - start < 0.05
