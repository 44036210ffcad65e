"""What writing and erasing passages changes in entities and relations: the same arithmetic for every backend.

A backend loads the rows that a `GraphChange` names, under a lock, calls `apply_to_entities` and `apply_to_relations`,
and stores the rows again: those that nothing counts any more are deleted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field

from shared.graph.names import entity_id, normal_form, relation_id
from shared.graph.port import ALIAS, APART, GENERIC, GraphEntity, GraphRelation, Merge, PassageGraph

_MOST_ALIASES = 50
_WEIGHT_DECIMALS = 6
_UNKNOWN_TIME = "1970-01-01"


class EntityRow(Struct):
    """A name's stored state. `canonical` is the id of the whole entity; equal to `entity_id` where nothing was
    merged."""

    entity_id: str
    key: str
    canonical: str
    mentions: int = 0
    passages: int = 0
    documents: int = 0
    created_at: str = ""
    names: dict[str, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)


class RelationRow(Struct):
    """A relation's stored state. `support` has, for each passage, its weight and when it was recorded."""

    relation_id: str
    source_id: str
    type: str
    target_id: str
    valid_from: str | None
    valid_to: str | None
    support: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        return round(sum(weight for weight, _ in sorted(self.support.values())), _WEIGHT_DECIMALS)


class EntityChange(Struct):
    key: str
    created_at: str = ""
    mentions: int = 0
    passages: int = 0
    names: dict[str, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)


class RelationChange(Struct):
    row: RelationRow
    added: dict[str, tuple[float, str]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


class LinkedRelation(Struct, frozen=True):
    relation: RelationRow
    weight: float


class Links(Struct, frozen=True):
    """A passage's names by their ids: of each mention, of each distinct entity how often, and its relations."""

    mentions: tuple[str, ...]
    keys: Mapping[str, str]
    counts: Mapping[str, int]
    statements: tuple[LinkedRelation, ...]

    @classmethod
    def of(cls, tenant_id: str, passage: PassageGraph) -> "Links":
        """Raises `ValueError` for a name without a character, an index out of range and a date that is none."""
        normal = [normal_form(mention.name) for mention in passage.mentions]
        ids = tuple(entity_id(tenant_id, key) for key in normal)
        counts: dict[str, int] = {}
        for identity, mention in zip(ids, passage.mentions, strict=True):
            counts[identity] = counts.get(identity, 0) + mention.count
        for sentence in passage.sentences:
            _check_indexes(sentence.mentions, len(ids))
        statements = []
        for one in passage.statements:
            _check_indexes((one.source, one.target), len(ids))
            ends, dates = (
                (ids[one.source], ids[one.target]),
                (optional_time(one.valid_from), optional_time(one.valid_to)),
            )
            identity = relation_id(ends[0], one.type, ends[1], *dates)
            statements.append(LinkedRelation(RelationRow(identity, ends[0], one.type, ends[1], *dates), one.weight))
        return cls(ids, dict(zip(ids, normal, strict=True)), counts, tuple(statements))


class GraphChange:
    """The difference that erasing some passages and writing others makes."""

    def __init__(self, tenant_id: str, erased: Iterable[PassageGraph], written: Sequence[PassageGraph]) -> None:
        self.entities: dict[str, EntityChange] = {}
        self.presence: Counter[tuple[str, str]] = Counter()
        self.relations: dict[str, RelationChange] = {}
        self.links: dict[str, Links] = {}
        for passage in erased:
            self._count(passage, Links.of(tenant_id, passage), -1)
        for passage in written:
            self.links[passage.passage_id] = links = Links.of(tenant_id, passage)
            self._count(passage, links, 1)

    def _count(self, passage: PassageGraph, links: Links, sign: int) -> None:
        created_at = point_in_time(passage.recorded_at or _UNKNOWN_TIME, "microseconds")
        for identity, count in links.counts.items():
            changed = self.entities.setdefault(identity, EntityChange(links.keys[identity]))
            changed.mentions += sign * count
            changed.passages += sign
            self.presence[identity, passage.document_id] += sign
            if sign > 0:
                changed.created_at = min(filter(None, (changed.created_at, created_at)))
        for identity, mention in zip(links.mentions, passage.mentions, strict=True):
            counted, changed = sign * mention.count, self.entities[identity]
            changed.names[mention.name] = changed.names.get(mention.name, 0) + counted
            changed.types[mention.type] = changed.types.get(mention.type, 0) + counted
        for statement in links.statements:
            self._support(passage, statement, sign)

    def _support(self, passage: PassageGraph, statement: LinkedRelation, sign: int) -> None:
        row = statement.relation
        changed = self.relations.setdefault(row.relation_id, RelationChange(row))
        if sign < 0:
            changed.removed.add(passage.passage_id)
        else:
            before = changed.added.get(passage.passage_id, (0.0, ""))[0]
            changed.added[passage.passage_id] = (max(before, statement.weight), passage.recorded_at)

    def apply_to_entities(self, rows: dict[str, EntityRow], presence: dict[tuple[str, str], int]) -> None:
        """Changes loaded rows, and adds those that are missing; `presence` counts the passages of a document that name
        an entity. What ends with no passage is for the backend to delete."""
        for (identity, document_id), count in self.presence.items():
            before = presence.get((identity, document_id), 0)
            presence[identity, document_id] = after = before + count
            row = rows.setdefault(identity, EntityRow(identity, self.entities[identity].key, identity))
            row.documents += int(after > 0) - int(before > 0)
        for identity, changed in self.entities.items():
            row = rows[identity]
            row.mentions += changed.mentions
            row.passages += changed.passages
            row.names, row.types = _sum(row.names, changed.names), _sum(row.types, changed.types)
            row.created_at = min(filter(None, (row.created_at, changed.created_at)), default="")

    def apply_to_relations(self, rows: dict[str, RelationRow]) -> None:
        for identity, changed in self.relations.items():
            row = rows.setdefault(identity, msgspec.structs.replace(changed.row, support={}))
            for passage_id in changed.removed:
                row.support.pop(passage_id, None)
            row.support.update(changed.added)


def entity(rows: Sequence[EntityRow], documents: int) -> GraphEntity:
    """The entity of which the rows are the names; there is at least one."""
    names: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for row in rows:
        names.update(row.names)
        types.update(row.types)
    name, *aliases = sorted(names, key=lambda written: (-names[written], written))
    kinds = sorted(types, key=lambda kind: (kind == GENERIC, -types[kind], kind))
    return GraphEntity(
        rows[0].canonical,
        name,
        kinds[0],
        tuple(aliases[:_MOST_ALIASES]),
        sum(row.mentions for row in rows),
        sum(row.passages for row in rows),
        documents,
        max(row.created_at for row in rows),
    )


def heaviest(rows: Iterable[RelationRow], most: int) -> list[RelationRow]:
    """The heaviest rows, each once; equal ones by their ids."""
    distinct = {row.relation_id: row for row in rows}.values()
    return sorted(distinct, key=lambda row: (-row.weight, row.relation_id))[:most]


def combined(rows: Iterable[RelationRow], canonical: Mapping[str, str]) -> list[GraphRelation]:
    """Relations between whole entities, heaviest first: rows that merges made equal are one relation."""
    groups: dict[tuple[str, ...], list[RelationRow]] = {}
    for row in sorted(rows, key=lambda row: row.relation_id):
        ends = canonical.get(row.source_id, row.source_id), canonical.get(row.target_id, row.target_id)
        groups.setdefault((ends[0], row.type, ends[1], row.valid_from or "", row.valid_to or ""), []).append(row)
    found = [_combined(ends[0], ends[2], same) for ends, same in groups.items()]
    return sorted(found, key=lambda relation: (-relation.weight, relation.relation_id))


def _combined(source_id: str, target_id: str, rows: Sequence[RelationRow]) -> GraphRelation:
    first = rows[0]
    supports = [support for row in rows for support in row.support.values()]
    return GraphRelation(
        first.relation_id,
        source_id,
        first.type,
        target_id,
        round(sum(row.weight for row in rows), _WEIGHT_DECIMALS),
        first.valid_from,
        first.valid_to,
        min(recorded for _, recorded in supports),
        tuple(sorted({passage for row in rows for passage in row.support})),
    )


def optional_time(text: str | None) -> str | None:
    """As `point_in_time`; None stands for an open side."""
    return None if text is None else point_in_time(text)


def point_in_time(text: str, precision: str = "seconds") -> str:
    """A date or a time, as a time in UTC, so that texts compare as times. Raises `ValueError`."""
    found = datetime.fromisoformat(text)
    utc = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def short_id_of(tenant_id: str, merge: Merge) -> str | None:
    """The id of the short form; None for another kind of merge."""
    return entity_id(tenant_id, normal_form(merge.other)) if merge.reason == ALIAS else None


class MergeRow(Struct, frozen=True):
    """A stored merge; its document, generation and reason tell it from others of the same names."""

    first_id: str
    second_id: str
    document_id: str
    generation: int
    reason: str
    short_id: str | None


def judge(rows: Iterable[MergeRow], short_ids: Set[str]) -> dict[MergeRow, bool]:
    """Whether merges are void: those of names that are set apart, and those of a short form that is short for several.
    Of these short forms all merges are given; merges of other short forms are left out."""
    judged = [row for row in rows if row.short_id is None or row.short_id in short_ids]
    apart = {(row.first_id, row.second_id) for row in judged if row.reason == APART}
    long_forms: dict[str, set[str]] = {}
    for row in judged:
        if row.short_id and (row.first_id, row.second_id) not in apart:
            long_forms.setdefault(row.short_id, set()).update({row.first_id, row.second_id} - {row.short_id})
    return {
        row: (row.first_id, row.second_id) in apart or len(long_forms.get(row.short_id or "", ())) > 1 for row in judged
    }


def component(identity: str, edges: Mapping[str, set[str]]) -> set[str]:
    """The ids that merges connect with that one, itself among them."""
    found, ahead = {identity}, [identity]
    while ahead:
        for other in edges.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found


def _sum(counts: dict[str, int], changed: Mapping[str, int]) -> dict[str, int]:
    total = dict(counts)
    for name, count in changed.items():
        total[name] = total.get(name, 0) + count
    return {name: total[name] for name in sorted(total) if total[name] > 0}


def _check_indexes(indexes: Iterable[int], count: int) -> None:
    if not all(0 <= index < count for index in indexes):
        raise ValueError(f"a passage with {count} mentions names another one")
