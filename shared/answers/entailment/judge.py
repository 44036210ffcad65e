"""Judges whether a sentence of a source entails a statement."""

from collections.abc import Callable, Sequence
from enum import Enum

from shared.answers.entailment import (
    claim_rules,
    contrast_rules,
    denial_rules,
    mixture_rules,
    quantity_rules,
    role_rules,
    scope_rules,
    subject_rules,
)
from shared.answers.entailment.alignment import Alignment

Rule = Callable[[Alignment], bool]


class Verdict(Enum):
    ENTAILED = "entailed"
    OPEN = "open"
    """No rule contradicts it, but too many of its words have no counterpart."""

    CONTRADICTED = "contradicted"
    UNRELATED = "unrelated"
    """The sentence is about something else: it lacks a number, a name, or half of the words."""


ENOUGH = 0.85
"""The share of its words that need a counterpart where the sentence may hold much more than the statement."""

MUTUAL = 0.6
"""The share that is enough on both sides: of the statement in the sentence, and of the sentence in the statement."""

LEAST = 0.5
OWN = 0.5
"""How much of it the sentence itself has to hold, without what it refers to."""

UNRELATED: Sequence[Rule] = (quantity_rules.lacks_a_quantity, mixture_rules.has_another_subject)
CONTRADICTIONS: Sequence[Rule] = (
    quantity_rules.bounds_differ,
    quantity_rules.counts_something_else,
    quantity_rules.turns_a_pair_round,
    quantity_rules.takes_the_whole_for_the_part,
    quantity_rules.dates_otherwise,
    quantity_rules.periods_differ,
    denial_rules.denies_otherwise,
    denial_rules.swaps_attributes,
    denial_rules.names_another_of_its_kind,
    denial_rules.names_somebody_else,
    denial_rules.modality_differs,
    denial_rules.limits_otherwise,
    claim_rules.drops_a_doubt,
    claim_rules.generalizes,
    claim_rules.takes_for_done,
    claim_rules.attributes_to_another,
    scope_rules.takes_part_for_all,
    scope_rules.takes_much_for_little,
    scope_rules.drops_a_condition,
    scope_rules.swaps_cause,
    scope_rules.turns_time_round,
    scope_rules.turns_direction_round,
    scope_rules.compares_otherwise,
    contrast_rules.contrasts_otherwise,
    contrast_rules.drops_an_exception,
    contrast_rules.drops_almost,
    contrast_rules.limits_another,
    contrast_rules.switches_otherwise,
    contrast_rules.takes_a_later_part,
    contrast_rules.gives_a_title_to_another,
    contrast_rules.mislabels_a_number,
    contrast_rules.crosses_numbers,
    contrast_rules.tops_a_row,
    role_rules.swaps_roles,
    role_rules.acts_as_recipient,
    subject_rules.replaces_the_first_person,
    subject_rules.trades_places,
    subject_rules.acts_in_place_of_another,
    role_rules.exchanges_cases,
    mixture_rules.mixes_numbers,
    mixture_rules.mixes_clauses,
    mixture_rules.mixes_cells,
    mixture_rules.takes_the_rest,
    mixture_rules.takes_the_verb_of_another,
    mixture_rules.measures_otherwise,
)
"""Each returns True where it finds one."""


def judge(pair: Alignment) -> Verdict:
    if pair.own < OWN or pair.coverage < LEAST:
        return Verdict.UNRELATED
    if any(rule(pair) for rule in CONTRADICTIONS):
        return Verdict.CONTRADICTED
    if pair.lacks_a_name or any(rule(pair) for rule in UNRELATED):
        return Verdict.UNRELATED
    if pair.replaces_a_word:
        return Verdict.OPEN
    if pair.coverage >= ENOUGH or (
        _is_mutual(pair) and not pair.is_of_a_row and not pair.ends_anew and not pair.invents_a_verb
    ):
        return Verdict.ENTAILED
    return Verdict.OPEN


def _is_mutual(pair: Alignment) -> bool:
    return min(pair.agreement, pair.source_coverage) >= MUTUAL


def decide(pairs: Sequence[Alignment]) -> tuple[Verdict, int]:
    """The verdict over all sentences that may hold a statement, and the place of the one that it rests on. A sentence
    that contradicts it counts for more than one that agrees with less of it."""
    verdicts = [judge(pair) for pair in pairs]
    for verdict in (Verdict.ENTAILED, Verdict.OPEN):
        places = [place for place, each in enumerate(verdicts) if each is verdict]
        best = max(places, key=lambda place: (pairs[place].coverage, -place), default=None)
        if best is None:
            continue
        highest = max((pairs[place].agreement, pairs[place].own) for place in places)
        if any(
            each is Verdict.CONTRADICTED and (pair.agreement, pair.own) > highest
            for each, pair in zip(verdicts, pairs, strict=True)
        ):
            return Verdict.CONTRADICTED, best
        return verdict, best
    return (Verdict.CONTRADICTED if Verdict.CONTRADICTED in verdicts else Verdict.UNRELATED), -1
