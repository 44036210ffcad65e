"""Gives a handler what its signature asks for.

A parameter's type says what is wanted; types are known here by name, so that asking imports nothing by itself. The
first parameter is the message; `settings` is the row's, checked against the type the handler gives it, unless that is
the process' own `Settings`.
"""

import inspect
import typing
from collections.abc import Callable
from typing import Any

import msgspec

from shared.runtime.wiring.services import Services
from shared.table.table import Function, Operation, TableError
from shared.types.call import Call

Provider = Callable[[Services, Call], Any]
Plan = tuple[tuple[str, Provider], ...]


def plan(function: Function, operation: Operation) -> tuple[type[Any], Plan]:
    """The message's type and what else to hand over. Raises `TableError` for a type that nothing provides."""
    handler = function.handler(operation)
    hints = typing.get_type_hints(handler, include_extras=True)
    first, *others = inspect.signature(handler).parameters
    providers = tuple((name, _provider(function, operation, name, hints[name])) for name in others)
    return hints[first], providers


def provide(services: Services, wanted: Plan, call: Call) -> dict[str, Any]:
    return {name: provider(services, call) for name, provider in wanted}


def _provider(function: Function, operation: Operation, name: str, hint: Any) -> Provider:
    wanted = f"{hint.__module__}.{hint.__qualname__}"
    if name == "settings" and wanted not in _PROVIDERS:
        settings = msgspec.convert(operation.settings, hint)
        return lambda services, call: settings
    try:
        return _PROVIDERS[wanted]
    except KeyError:
        where = f"function {function.name}, {operation.on}"
        raise TableError(f"{where}: nothing provides parameter {name!r} of type {wanted}") from None


def _records(services: Services, call: Call) -> Any:
    from shared.records.records import TenantRecords

    return TenantRecords(services.blobs, call.tenant_id)


def _platform_records(services: Services, call: Call) -> Any:
    from shared.records.records import PlatformRecords

    return PlatformRecords(services.blobs)


def _catalogue(services: Services, call: Call) -> Any:
    from shared.catalogue.catalogue import Catalogue

    return Catalogue(services.redis, _records(services, call))


def _catalogues(services: Services, call: Call) -> Any:
    from shared.catalogue.catalogue import Catalogues

    return Catalogues(services.redis, _platform_records(services, call))


def _intake(services: Services, call: Call) -> Any:
    from shared.intake.intake import Intake

    return Intake(
        records=_records(services, call),
        catalogue=_catalogue(services, call),
        leases=_leases(services, call),
        publisher=services.publisher(call.function),
        table=services.table,
        call=call,
        router=_router(services, call),
    )


def _router(services: Services, call: Call) -> Any:
    from shared.formats.router import FormatRouter

    return FormatRouter(has_pool=services.settings.pool_workers > 0)


def _answering(services: Services, call: Call) -> Any:
    from shared.answers.answering import Answering
    from shared.retrieval.sources import Library

    library = Library(
        services.embedding, services.encoder, services.vectors.of(call.tenant_id), _catalogue(services, call)
    )
    return Answering(library, services.answerer, services.proxy, services.meter)


def _describer(services: Services, call: Call) -> Any:
    from shared.pictures.describer import Describer

    config = services.proxy_config
    most = config.vision.most_per_document if config.vision.describe_pictures else 0
    return Describer(most, lambda: services.proxy, config.price_table)


def _payer(services: Services, call: Call) -> Any:
    from shared.types.payer import Payer

    key_id = call.principal.key_id if call.principal else ""
    return Payer(call.tenant_id, key_id, call.request_id, call.label, call.function)


def _conversations(services: Services, call: Call) -> Any:
    from shared.conversations.conversations import Conversations

    principal = call.principal
    return Conversations(services.redis, call.tenant_id, principal.user_id or principal.key_id if principal else "")


def _leases(services: Services, call: Call) -> Any:
    from shared.redis.leases import Leases

    return Leases(services.redis)


_PROVIDERS: dict[str, Provider] = {
    "shared.access.accounts.Accounts": lambda services, call: services.accounts,
    "shared.answers.answering.Answering": _answering,
    "shared.answers.extractive.ExtractiveAnswerer": lambda services, call: services.answerer,
    "shared.usage.ledger.UsageLedger": lambda services, call: services.book,
    "shared.usage.journal.Journal": lambda services, call: services.journal,
    "shared.usage.metering.Meter": lambda services, call: services.meter,
    "shared.bus.publisher.BoundPublisher": lambda services, call: services.publisher(call.function),
    "shared.catalogue.catalogue.Catalogue": _catalogue,
    "shared.catalogue.catalogue.Catalogues": _catalogues,
    "shared.conversations.conversations.Conversations": _conversations,
    "shared.redis.leases.Leases": _leases,
    "shared.redis.client.RedisClient": lambda services, call: services.redis,
    "shared.embedding.port.Embedding": lambda services, call: services.embedding,
    "shared.embedding.sparse.SparseEncoder": lambda services, call: services.encoder,
    "shared.formats.router.FormatRouter": _router,
    "shared.intake.intake.Intake": _intake,
    "shared.records.records.TenantRecords": _records,
    "shared.records.records.PlatformRecords": _platform_records,
    "shared.parsing.workers.ParserPool": lambda services, call: services.parsers,
    "shared.pictures.describer.Describer": _describer,
    "shared.pool.queue.SliceQueue": lambda services, call: services.slices,
    "shared.proxy.budget.budget.Budget": lambda services, call: services.budget,
    "shared.proxy.config.proxy_config.ProxyConfig": lambda services, call: services.proxy_config,
    "shared.proxy.execution.proxy.ExecutionProxy": lambda services, call: services.proxy,
    "shared.types.payer.Payer": _payer,
    "shared.types.call.Call": lambda services, call: call,
    "shared.runtime.wiring.settings.Settings": lambda services, call: services.settings,
    "shared.stages.stages.StageWork": lambda services, call: call.work,
    "shared.table.table.Table": lambda services, call: services.table,
    "shared.types.principal.Principal": lambda services, call: call.principal,
    "shared.vectors.port.VectorIndex": lambda services, call: services.vectors,
    "shared.vectors.port.Vectors": lambda services, call: services.vectors.of(call.tenant_id),
}
