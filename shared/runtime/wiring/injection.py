"""Dependency injection for handlers.

A handler's first parameter is the message. Each other parameter is provided by its type; types are listed here by name,
so that a process imports only those that it uses. A struct that is not listed is made of its fields, where each of them
is provided: so an operation with many dependencies takes them in groups. `settings` is the row's column, converted to
the type that the handler declares, unless that is the process' own `Settings`.
"""

import inspect
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from shared.runtime.wiring.services import Services
from shared.table.table import Function, Need, Operation, TableError
from shared.types.call import Call

Provider = Callable[[Services, Call], Any]
Plan = tuple[tuple[str, Provider], ...]


class HandlerSignature(Struct, frozen=True):
    """The types of a handler: its message, the parameters to inject, and what it returns."""

    message: Any
    others: dict[str, Any]
    returns: Any


class _Provided(NamedTuple):
    """How a value is made, and which of the table's needs it takes."""

    provider: Provider
    needs: frozenset[Need] = frozenset()


def signature(function: Function, operation: Operation) -> HandlerSignature:
    """The resolved types of a handler. Raises `TableError` where a parameter or the return has none."""
    handler = function.handler(operation)
    where = f"{function.row(operation)}: column 'verb'"
    try:
        hints = typing.get_type_hints(handler, include_extras=True)
    except NameError as error:
        raise TableError(f"{where}: a type of handle cannot be resolved: {error}") from error
    names = list(inspect.signature(handler).parameters)
    if hints.keys() != {*names, "return"}:
        raise TableError(f"{where}: handle leaves a parameter or its return without a type")
    if not names:
        raise TableError(f"{where}: handle takes no message")
    return HandlerSignature(hints[names[0]], {name: hints[name] for name in names[1:]}, hints["return"])


def plan(function: Function, operation: Operation) -> tuple[Any, Plan]:
    """The message's type, and a provider for each other parameter. Raises `TableError`."""
    found = signature(function, operation)
    return found.message, tuple(
        (name, _provider(function, operation, name, hint)) for name, hint in found.others.items()
    )


def provide(services: Services, wanted: Plan, call: Call) -> dict[str, Any]:
    return {name: provider(services, call) for name, provider in wanted}


def needs_of(hint: Any) -> frozenset[Need]:
    """The needs, as the table names them, that a row must declare before a handler may ask for this type."""
    provided = _find(hint)
    return provided.needs if provided else frozenset()


def _provider(function: Function, operation: Operation, name: str, hint: Any) -> Provider:
    if provided := _find(hint):
        return provided.provider
    if name != "settings":
        where = f"{function.row(operation)}: column 'verb'"
        raise TableError(f"{where}: nothing provides parameter {name!r} of type {_name_of(hint)}")
    try:
        settings = msgspec.convert(operation.settings, hint)
    except msgspec.ValidationError as error:
        raise TableError(f"{function.row(operation)}: column 'settings': {error}") from error
    return lambda services, call: settings


def _find(hint: Any) -> _Provided | None:
    """What provides a type; None where nothing does."""
    if listed := _PROVIDED.get(_name_of(hint)):
        return listed
    if not (isinstance(hint, type) and issubclass(hint, Struct) and hint.__struct_fields__):
        return None
    hints = typing.get_type_hints(hint)
    fields: dict[str, _Provided] = {}
    for name in hint.__struct_fields__:
        if (field := _find(hints[name])) is None:
            return None
        fields[name] = field
    return _Provided(
        lambda services, call: hint(**{name: field.provider(services, call) for name, field in fields.items()}),
        frozenset().union(*(field.needs for field in fields.values())),
    )


def _name_of(hint: Any) -> str:
    return f"{getattr(hint, '__module__', '')}.{getattr(hint, '__qualname__', hint)}"


def _records(services: Services, call: Call) -> Any:
    from shared.records.records import TenantRecords

    return TenantRecords(services.blobs, call.tenant_id)


def _catalogue(services: Services, call: Call) -> Any:
    from shared.catalogue.catalogue import Catalogue

    return Catalogue(services.redis, _records(services, call))


def _answering(services: Services, call: Call) -> Any:
    from shared.answers.answering import Answering
    from shared.answers.verifying import ModelVerifier
    from shared.retrieval.sources import Library

    library = Library(
        services.embedding,
        services.sparse_encoder,
        services.vectors.of(call.tenant_id),
        _catalogue(services, call),
        services.graph.of(call.tenant_id),
    )
    verifier = ModelVerifier(services.proxy) if services.proxy_config.verify == "model" else None
    return Answering(library, services.extractive_answerer, services.proxy, services.meter, verifier)


def _describer(services: Services, call: Call) -> Any:
    from shared.pictures.describer import Describer

    config = services.proxy_config
    most = config.vision.most_per_document if config.vision.describe_pictures else 0
    return Describer(most, lambda: services.proxy, config.price_table)


def _conversations(services: Services, call: Call) -> Any:
    from shared.conversations.conversations import Conversations

    principal = call.principal
    return Conversations(services.redis, call.tenant_id, principal.user_id or principal.key_id if principal else "")


def _provided(provider: Provider, *needs: Need) -> _Provided:
    return _Provided(provider, frozenset(needs))


_PROVIDED: dict[str, _Provided] = {
    "shared.access.accounts.Accounts": _provided(lambda services, call: services.accounts, "blobs", "counters"),
    "shared.access.login_attempts.LoginAttempts": _provided(lambda services, call: services.login_attempts, "counters"),
    "shared.access.sessions.Sessions": _provided(lambda services, call: services.sessions, "blobs", "counters"),
    "shared.access.users.Users": _provided(lambda services, call: services.users, "blobs"),
    "shared.answers.answering.Answering": _provided(
        _answering, "blobs", "counters", "vectors", "graph", "embedding", "model"
    ),
    "shared.usage.ledger.UsageLedger": _provided(lambda services, call: services.usage_ledger, "blobs"),
    "shared.usage.journal.Journal": _provided(lambda services, call: services.journal, "blobs"),
    "shared.usage.metering.Meter": _provided(lambda services, call: services.meter, "blobs", "counters"),
    "shared.bus.publisher.BoundPublisher": _provided(lambda services, call: services.publisher(call.function), "bus"),
    "shared.catalogue.catalogue.Catalogue": _provided(_catalogue, "blobs", "counters"),
    "shared.catalogue.catalogue.Catalogues": _provided(lambda services, call: services.catalogues, "blobs", "counters"),
    "shared.catalogue.watches.Watches": _provided(lambda services, call: services.watches, "counters"),
    "shared.conversations.conversations.Conversations": _provided(_conversations, "counters"),
    "shared.redis.leases.Leases": _provided(lambda services, call: services.leases, "counters"),
    "shared.redis.client.RedisClient": _provided(lambda services, call: services.redis, "counters"),
    "shared.embedding.port.Embedding": _provided(lambda services, call: services.embedding, "embedding"),
    "shared.embedding.sparse.SparseEncoder": _provided(lambda services, call: services.sparse_encoder, "embedding"),
    "shared.formats.router.FormatRouter": _provided(lambda services, call: services.format_router),
    "shared.graph.port.Graph": _provided(lambda services, call: services.graph.of(call.tenant_id), "graph"),
    "shared.graph.port.GraphIndex": _provided(lambda services, call: services.graph, "graph"),
    "shared.records.records.TenantRecords": _provided(_records, "blobs"),
    "shared.records.records.PlatformRecords": _provided(lambda services, call: services.platform_records, "blobs"),
    "shared.parsing.pool.ParserPool": _provided(
        lambda services, call: services.parser_pool.of(call.tenant_id), "parsing"
    ),
    "shared.pictures.describer.Describer": _provided(_describer, "model"),
    "shared.pool.queue.SliceQueue": _provided(lambda services, call: services.slice_queue, "counters"),
    "shared.processes.turns.TenantTurns": _provided(lambda services, call: services.embedding_turns),
    "shared.proxy.budget.budget.Budget": _provided(lambda services, call: services.budget, "blobs", "counters"),
    "shared.proxy.config.proxy_config.ProxyConfig": _provided(lambda services, call: services.proxy_config),
    "shared.proxy.execution.proxy.ExecutionProxy": _provided(
        lambda services, call: services.proxy, "blobs", "counters", "model"
    ),
    "shared.types.payer.Payer": _provided(lambda services, call: call.payer),
    "shared.types.call.Call": _provided(lambda services, call: call),
    "shared.runtime.wiring.settings.Settings": _provided(lambda services, call: services.settings),
    "shared.stages.stages.StageWork": _provided(lambda services, call: call.work, "blobs", "counters"),
    "shared.table.table.Table": _provided(lambda services, call: services.table),
    "shared.types.principal.Principal": _provided(lambda services, call: call.principal),
    "shared.vectors.port.VectorIndex": _provided(lambda services, call: services.vectors, "vectors"),
    "shared.vectors.port.Vectors": _provided(lambda services, call: services.vectors.of(call.tenant_id), "vectors"),
}
