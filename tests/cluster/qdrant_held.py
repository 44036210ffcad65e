"""A collection of the wire server: Qdrant's own engine, asked in the words of Qdrant's own request models."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import qdrant_edge as engine
from numpy import float32
from qdrant_client.http import models

_KINDS = {"match": "keyword", "range": "float, integer"}


class Refused(Exception):
    """An answer other than 200; the text is what a real server says."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


class Held:
    """One shard on disk with the configuration that it was created by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = json.loads((folder / "state.json").read_text())
        self.config = models.CreateCollection.model_validate(self._state["config"])
        self._shard = engine.EdgeShard.load(str(folder / "shard"))
        self._operations = 0

    @classmethod
    def create(cls, folder: Path, config: models.CreateCollection) -> "Held":
        shard = engine.EdgeShard.create(str(folder / "shard"), _engine_config(config))
        shard.flush()
        shard.close()
        state = {"config": config.model_dump(mode="json", exclude_none=True), "indexes": {}}
        (folder / "state.json").write_text(json.dumps(state))
        return cls(folder)

    def close(self) -> None:
        self._shard.flush()
        self._shard.close()

    def change(self, diff: models.UpdateCollection) -> bool:
        if diff.strict_mode_config is None:
            raise NotImplementedError("only strict mode is changed")
        self.config = self.config.model_copy(update={"strict_mode_config": diff.strict_mode_config})
        self._state["config"] = self.config.model_dump(mode="json", exclude_none=True)
        self._keep()
        return True

    def index(self, wanted: models.CreateFieldIndex) -> dict[str, Any]:
        schema = wanted.field_schema
        described = {"type": str(schema.value)} if isinstance(schema, models.PayloadSchemaType) else _plain(schema)
        self._shard.update(engine.UpdateOperation.create_field_index(wanted.field_name, _engine_index(described)))
        self._state["indexes"][wanted.field_name] = described
        self._keep()
        return self._done(True)

    def upsert(self, wanted: models.PointsList, wait: bool) -> dict[str, Any]:
        if not wanted.points:
            raise Refused(400, "Bad request: Empty update request")
        points = [self._point(place, point) for place, point in enumerate(wanted.points)]
        condition = self._filter(wanted.update_filter, "unindexed_filtering_update")
        self._shard.update(engine.UpdateOperation.upsert_points(points, condition=condition))
        return self._done(wait)

    def delete(self, wanted: models.PointsSelector, wait: bool) -> dict[str, Any]:
        if isinstance(wanted, models.PointIdsList):
            self._shard.update(engine.UpdateOperation.delete_points([_identity(one) for one in wanted.points]))
        else:
            which = self._filter(wanted.filter, "unindexed_filtering_update") or engine.Filter(must=[])
            self._shard.update(engine.UpdateOperation.delete_points_by_filter(which))
        return self._done(wait)

    def count(self, wanted: models.CountRequest) -> dict[str, Any]:
        exact = wanted.exact is not False
        return {"count": self._shard.count(engine.CountRequest(exact=exact, filter=self._filter(wanted.filter)))}

    def retrieve(self, wanted: models.PointRequest) -> list[dict[str, Any]]:
        ids: list[int | UUID | str] = [_identity(one) for one in wanted.ids]
        has_payload = wanted.with_payload is not False
        records = self._shard.retrieve(ids, with_payload=has_payload, with_vector=False)
        return [_answered(record.id, record.payload if has_payload else None) for record in records]

    def query(self, wanted: models.QueryRequest) -> dict[str, Any]:
        request = engine.QueryRequest(
            limit=self._limit(wanted),
            query=engine.Query.Nearest(self._nearest(wanted), wanted.using),
            filter=self._filter(wanted.filter),
            params=self._params(wanted.params),
            with_payload=True,
        )
        points = []
        for point in self._shard.query(request):
            payload = _selected(point.payload or {}, wanted.with_payload)
            points.append(_answered(point.id, payload, version=point.version, score=_shortest(point.score)))
        return {"points": points}

    def info(self) -> dict[str, Any]:
        """What a real server says where we know it; its own settings of the optimizer and the log are left out."""
        found = self._shard.info()
        config = _plain(self.config)
        params = {"vectors": config["vectors"], "sparse_vectors": config.get("sparse_vectors", {})}
        params |= {"shard_number": config.get("shard_number", 1), "replication_factor": 1}
        params |= {"write_consistency_factor": 1, "on_disk_payload": config.get("on_disk_payload", True)}
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0}
        optimizer |= {"indexing_threshold": 10000, "flush_interval_sec": 5}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": found.points_count,
            "segments_count": found.segments_count,
            "config": {
                "params": params,
                "hnsw_config": hnsw | config.get("hnsw_config", {}),
                "optimizer_config": optimizer,
                **{name: config[name] for name in ("strict_mode_config", "metadata") if name in config},
            },
            "payload_schema": {
                name: _index_info(described, self._having(name)) for name, described in self._state["indexes"].items()
            },
        }

    def _having(self, key: str) -> int:
        """Points whose payload holds the key."""
        empty = engine.FieldCondition(key, is_empty=True)
        return self._shard.count(engine.CountRequest(filter=engine.Filter(must_not=[empty])))

    def _keep(self) -> None:
        (self._folder / "state.json").write_text(json.dumps(self._state))

    def _done(self, wait: bool) -> dict[str, Any]:
        self._operations += 1
        return {"operation_id": self._operations, "status": "completed" if wait else "acknowledged"}

    def _strict(self, name: str) -> Any:
        strict = self.config.strict_mode_config
        return getattr(strict, name) if strict is not None and strict.enabled else None

    def _limit(self, wanted: models.QueryRequest) -> int:
        limit = 10 if wanted.limit is None else wanted.limit
        most = self._strict("max_query_limit")
        if limit < 1:
            raise Refused(422, "Validation error in JSON body: [internal.limit: value 0 invalid, must be 1 or larger]")
        if most is not None and limit > most:
            detail = (
                f'Limit exceeded {limit} > {most} for "limit". Help: Reduce the "limit" parameter to or below {most}.'
            )
            raise Refused(400, f"Bad request: {detail}")
        return limit

    def _nearest(self, wanted: models.QueryRequest) -> Any:
        asked = wanted.query.nearest if isinstance(wanted.query, models.NearestQuery) else wanted.query
        using = wanted.using or ""
        if isinstance(asked, models.SparseVector):
            self._known(using, self.config.sparse_vectors or {})
            return _sparse("query", asked)
        if not isinstance(asked, list):
            raise NotImplementedError(f"a query of {type(asked).__name__}")
        self._sized(self._known(using, self._dense), asked, "")
        return asked

    def _params(self, wanted: models.SearchParams | None) -> engine.SearchParams | None:
        if wanted is None:
            return None
        idf = None
        if isinstance(wanted.idf, models.IdfCorpusParams):
            idf = engine.IdfParams(corpus=self._filter(wanted.idf.corpus))
        return engine.SearchParams(exact=bool(wanted.exact), idf=idf)

    def _filter(
        self, wanted: models.Filter | None, unless: str = "unindexed_filtering_retrieve"
    ) -> engine.Filter | None:
        """The adapter's filters are conjunctions; in strict mode each field must have an index."""
        if wanted is None:
            return None
        must = wanted.must if isinstance(wanted.must, list) else [wanted.must] if wanted.must else []
        if wanted.should or wanted.must_not or wanted.min_should:
            raise NotImplementedError("only conjunctions")
        return engine.Filter(must=[self._condition(one, unless) for one in must])

    def _condition(self, one: Any, unless: str) -> engine.FieldCondition:
        if not isinstance(one, models.FieldCondition):
            raise NotImplementedError(f"a condition of {type(one).__name__}")
        if self._strict(unless) is False and one.key not in self._state["indexes"]:
            kinds = _KINDS["range" if one.range else "match"]
            detail = f'Index required but not found for "{one.key}" of one of the following types: [{kinds}]. '
            raise Refused(400, f"Bad request: {detail}Help: Create an index for this key or use a different filter.")
        return engine.FieldCondition(one.key, match=_match(one.match), range=_range(one.range))

    @property
    def _dense(self) -> dict[str, models.VectorParams]:
        return self.config.vectors if isinstance(self.config.vectors, dict) else {}

    def _known(self, name: str, among: Mapping[str, Any]) -> Any:
        if name not in among:
            raise Refused(400, f"Wrong input: Not existing vector name error: {name}")
        return among[name]

    def _sized(self, params: models.VectorParams, vector: Sequence[Any], which: str) -> None:
        if len(vector) != params.size:
            detail = f"expected dim: {params.size}, got {len(vector)}{which}"
            raise Refused(400, f"Wrong input: Vector dimension error: {detail}")

    def _point(self, place: int, point: models.PointStruct) -> engine.Point:
        vectors: dict[str, Any] = {}
        if not isinstance(point.vector, dict):
            raise NotImplementedError("only named vectors")
        for name, vector in point.vector.items():
            if isinstance(vector, models.SparseVector):
                self._known(name, self.config.sparse_vectors or {})
                vectors[name] = _sparse(f"points[{place}].vector.?", vector)
            elif isinstance(vector, list):
                self._sized(self._known(name, self._dense), vector, f" for vector '{name}'")
                vectors[name] = vector
        return engine.Point(_identity(point.id), vectors, point.payload or {})


def _engine_config(config: models.CreateCollection) -> engine.EdgeConfig:
    if not isinstance(config.vectors, dict) or any(it.size < 1 for it in config.vectors.values()):
        raise Refused(400, "Format error in JSON body: data did not match any variant of untagged enum VectorsConfig")
    modifiers = {models.Modifier.IDF: engine.Modifier.Idf}
    return engine.EdgeConfig(
        vectors={
            name: engine.EdgeVectorParams(it.size, getattr(engine.Distance, it.distance.value))
            for name, it in config.vectors.items()
        },
        sparse_vectors={
            name: engine.EdgeSparseVectorParams(modifier=modifiers[it.modifier] if it.modifier else None)
            for name, it in (config.sparse_vectors or {}).items()
        },
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=1_000_000_000),
    )


def _engine_index(described: Mapping[str, Any]) -> Any:
    if described["type"] == "keyword":
        return engine.KeywordIndexParams(is_tenant=described.get("is_tenant"))
    if described["type"] == "integer":
        return engine.IntegerIndexParams(lookup=described.get("lookup"), range=described.get("range"))
    raise NotImplementedError(f"an index of {described['type']}")


def _index_info(described: Mapping[str, Any], points: int) -> dict[str, Any]:
    params = {"params": dict(described)} if len(described) > 1 else {}
    return {"data_type": described["type"], **params, "points": points}


def _match(wanted: Any) -> Any:
    if isinstance(wanted, models.MatchValue):
        return engine.MatchValue(wanted.value)
    if isinstance(wanted, models.MatchAny):
        return engine.MatchAny([str(one) for one in wanted.any])
    if wanted is not None:
        raise NotImplementedError(f"a match of {type(wanted).__name__}")
    return None


def _range(wanted: Any) -> engine.RangeFloat | None:
    if wanted is None:
        return None
    if not isinstance(wanted, models.Range):
        raise NotImplementedError(f"a range of {type(wanted).__name__}")
    return engine.RangeFloat(gte=wanted.gte, gt=wanted.gt, lte=wanted.lte, lt=wanted.lt)


def _sparse(where: str, sparse: models.SparseVector) -> engine.SparseVector:
    if len(set(sparse.indices)) != len(sparse.indices):
        raise _invalid(f"{where}.indices", "must be unique")
    if len(sparse.values) != len(sparse.indices):
        raise _invalid(f"{where}.values", "must be the same length as indices")
    ordered = sorted(zip(sparse.indices, sparse.values, strict=True))
    return engine.SparseVector([index for index, _ in ordered], [value for _, value in ordered])


def _invalid(where: str, rule: str) -> Refused:
    return Refused(422, f"Validation error in JSON body: [{where}: Validation error: {rule} [{{}}]]")


def _identity(given: int | str | UUID) -> int | UUID:
    if isinstance(given, int | UUID):
        return given
    try:
        return UUID(given)
    except ValueError:
        rule = "is not a valid point ID, valid values are either an unsigned integer or a UUID"
        raise Refused(400, f"Format error in JSON body: value {given} {rule}") from None


def _selected(payload: dict[str, Any], wanted: Any) -> dict[str, Any] | None:
    if isinstance(wanted, list):
        return {key: payload[key] for key in wanted if key in payload}
    return payload if wanted is True else None


def _answered(identity: Any, payload: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
    named = {"id": identity if isinstance(identity, int) else str(identity), **more}
    return named if payload is None else named | {"payload": dict(payload)}


def _shortest(score: float) -> float:
    """As a server spells a 32-bit float: the fewest digits that mean it."""
    return float(str(float32(score)))


def _plain(model: Any) -> dict[str, Any]:
    plain: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return plain


def flat(aliases: Mapping[str, str]) -> Iterable[dict[str, str]]:
    return ({"alias_name": alias, "collection_name": name} for alias, name in aliases.items())
