"""Statements of the sets in `statements/`: faithful ones stay, false ones are left out."""

import pytest

from tests.speed.statements import LANGUAGES, groups, parts, stay_together, stays

LEAST = {"development": (0.9, 0.9), "passages": (0.8, 0.92), "passages_held_out": (0.45, 0.85)}
LEAST_HELD_OUT = (0.75, 0.75)
"""The shares of faithful and of false statements that are judged rightly. Held out are statements that nobody fitted a
rule to: see docs/reference/statements-measured.md."""


@pytest.mark.parametrize("part", parts())
def test_faithful_statements_stay_and_false_ones_are_left_out(part: str) -> None:
    right: dict[tuple[str, bool], list[bool]] = {}
    for group in groups(part):
        for is_true, pairs in ((True, group.faithful), (False, group.false)):
            outcomes = stay_together([statement for _, statement in pairs], group.sources)
            right.setdefault((group.language, is_true), []).extend(stayed == is_true for stayed in outcomes)
    least = LEAST.get(part, LEAST_HELD_OUT)
    assert {language for language, _ in right} == set(LANGUAGES)
    for (language, is_true), rows in right.items():
        assert sum(rows) / len(rows) >= least[not is_true], (language, is_true)


SINGLE = [
    (
        "Die Pumpe braucht wenig Strom.",
        ["Die Pumpe braucht viel Strom."],
        ["Die Pumpe benötigt wenig Strom."],
    ),
    (
        "The filter uses little water because it is small.",
        ["The filter uses much water.", "The filter uses a lot of water."],
        ["The filter uses little water."],
    ),
    (
        "Few members attended the meeting in Kelso.",
        ["Many members attended the meeting in Kelso."],
        ["Few members attended the meeting in Kelso."],
    ),
    (
        "Wenige Mitglieder besuchten die Versammlung in Kelso.",
        ["Viele Mitglieder besuchten die Versammlung in Kelso."],
        ["Wenige Mitglieder besuchten die Versammlung in Kelso."],
    ),
    (
        "Costs rose because of higher energy prices.",
        ["Costs rose because of lower energy prices.", "Costs fell because of lower energy prices."],
        ["Costs increased due to higher prices for energy."],
    ),
    (
        "Die Kosten stiegen wegen höherer Energiepreise.",
        ["Die Kosten stiegen wegen niedrigerer Energiepreise."],
        ["Die Kosten sind wegen höherer Energiepreise gestiegen."],
    ),
    (
        "Return the form within two weeks.",
        ["Return the form after two weeks."],
        ["Return the form within 14 days."],
    ),
    (
        "Errors must be reported within 24 hours.",
        ["Errors must be reported after 24 hours."],
        ["Errors must be reported within one day."],
    ),
    (
        "Das Formular ist innerhalb von zwei Wochen zurückzugeben.",
        ["Das Formular ist nach zwei Wochen zurückzugeben."],
        ["Das Formular ist binnen 14 Tagen zurückzugeben."],
    ),
    (
        "The badge expires after two weeks.",
        ["The badge expires within two weeks."],
        ["The badge expires after 14 days."],
    ),
    (
        "Rosenby sold the mill to Halden in 1998.",
        ["Halden sold the mill to Rosenby in 1998.", "In 1998 Halden sold the mill to Rosenby."],
        ["In 1998 Rosenby sold the mill to Halden.", "Rosenby sold Halden the mill in 1998."],
    ),
    (
        "Kollwitz verkaufte die Gießerei an Brandner.",
        ["Brandner verkaufte die Gießerei an Kollwitz."],
        ["Die Gießerei wurde von Kollwitz an Brandner verkauft.", "An Brandner verkaufte Kollwitz die Gießerei."],
    ),
    (
        "Dr. Okafor examined the patient and referred her to Dr. Lindgren.",
        ["Dr. Lindgren examined the patient.", "Dr. Lindgren referred the patient."],
        ["Dr. Okafor examined the patient.", "Dr. Okafor referred the patient to Dr. Lindgren."],
    ),
    (
        "Ms Berg signed the lease and handed it to Mr Falk.",
        ["Mr Falk signed the lease."],
        ["Ms Berg signed the lease.", "Ms Berg handed the lease to Mr Falk."],
    ),
    (
        "Frau Berg unterschrieb den Mietvertrag und übergab ihn an Herrn Falk.",
        ["Herr Falk unterschrieb den Mietvertrag."],
        ["Frau Berg unterschrieb den Mietvertrag."],
    ),
    (
        "Revenue rose by 3 percent, while profit fell by 8 percent.",
        ["Profit rose by 8 percent.", "Revenue fell by 3 percent."],
        ["Profit fell by 8 percent.", "Revenue rose by 3 percent."],
    ),
    (
        "Der Umsatz stieg um 3 Prozent, während der Gewinn um 8 Prozent fiel.",
        ["Der Gewinn stieg um 8 Prozent.", "Der Umsatz fiel um 3 Prozent."],
        ["Der Gewinn fiel um 8 Prozent.", "Der Umsatz stieg um 3 Prozent."],
    ),
]


@pytest.mark.parametrize(("source", "false", "faithful"), SINGLE)
def test_a_statement_that_turns_one_word_of_its_source_is_left_out(
    source: str, false: list[str], faithful: list[str]
) -> None:
    assert [statement for statement in false if stays(statement, [source])] == []
    assert [statement for statement in faithful if not stays(statement, [source])] == []
