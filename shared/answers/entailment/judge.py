"""Judges whether a sentence of a source entails a statement."""

from collections.abc import Callable, Sequence
from enum import Enum

from shared.answers.entailment import denial_rules, mixture_rules, quantity_rules, role_rules, scope_rules
from shared.answers.entailment.alignment import Alignment


class Verdict(Enum):
    ENTAILED = "entailed"
    OPEN = "open"
    """No rule contradicts it, but too many of its words have no counterpart."""

    REFUTED = "refuted"


ENOUGH = 0.85
OPEN = 0.5
OWN = 0.5
"""How much of it the sentence itself has to hold, without what it refers to."""

RULES: Sequence[Callable[[Alignment], bool]] = (
    quantity_rules.lacks_a_quantity,
    quantity_rules.bounds_differ,
    quantity_rules.counts_something_else,
    quantity_rules.periods_differ,
    denial_rules.denies_otherwise,
    denial_rules.names_another_of_its_kind,
    denial_rules.modality_differs,
    denial_rules.limits_otherwise,
    scope_rules.takes_part_for_all,
    scope_rules.drops_a_condition,
    scope_rules.swaps_cause,
    scope_rules.turns_time_round,
    scope_rules.turns_direction_round,
    scope_rules.compares_otherwise,
    role_rules.swaps_roles,
    mixture_rules.mixes_numbers,
    mixture_rules.mixes_clauses,
    mixture_rules.has_another_subject,
    mixture_rules.measures_otherwise,
)
"""Each returns True where it finds a contradiction."""


def judge(pair: Alignment) -> Verdict:
    if pair.coverage < OPEN or pair.own < OWN or any(each.word.name and each.score == 0 for each in pair.counterparts):
        return Verdict.REFUTED
    if any(rule(pair) for rule in RULES):
        return Verdict.REFUTED
    return Verdict.ENTAILED if pair.coverage >= ENOUGH else Verdict.OPEN
