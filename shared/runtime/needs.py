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
from msgspec import Struct

from shared.runtime.table import Function, Operation, TableError
from shared.runtime.worlds import Worlds
from shared.types.principal import Principal


class Call(Struct, frozen=True):
    """On whose behalf a handler runs. `tenant_id` is empty for operators, the clock and public routes;
    `last_event_id` is where a cut-off stream is to go on; `is_ending` says that the process waits only for its calls
    to end. `label` is the client's own name for the request; `heard` is told what is left of the caller's budget
    (micro-dollars, None: no limit) whenever that is known anew."""

    function: str
    tenant_id: str = ""
    principal: Principal | None = None
    request_id: str = ""
    traceparent: str = ""
    last_event_id: str = ""
    is_ending: Callable[[], bool] = lambda: False
    work: Any = None
    label: str = ""
    heard: Callable[[int | None], None] = lambda remaining: None


Provider = Callable[[Worlds, Call], Any]
Plan = tuple[tuple[str, Provider], ...]


def plan(function: Function, operation: Operation) -> tuple[type[Any], Plan]:
    """The message's type and what else to hand over. Raises `TableError` for a type that nothing provides."""
    handler = function.handler(operation)
    hints = typing.get_type_hints(handler, include_extras=True)
    first, *others = inspect.signature(handler).parameters
    providers = tuple((name, _provider(function, operation, name, hints[name])) for name in others)
    return hints[first], providers


def provide(worlds: Worlds, wanted: Plan, call: Call) -> dict[str, Any]:
    return {name: provider(worlds, call) for name, provider in wanted}


def _provider(function: Function, operation: Operation, name: str, hint: Any) -> Provider:
    wanted = f"{hint.__module__}.{hint.__qualname__}"
    if name == "settings" and wanted not in _PROVIDERS:
        settings = msgspec.convert(operation.settings, hint)
        return lambda worlds, call: settings
    try:
        return _PROVIDERS[wanted]
    except KeyError:
        where = f"function {function.name}, {operation.on}"
        raise TableError(f"{where}: nothing provides parameter {name!r} of type {wanted}") from None


def _ledger(worlds: Worlds, call: Call) -> Any:
    from shared.ledger.ledger import Ledger

    return Ledger(worlds.blobs, call.tenant_id)


def _platform_ledger(worlds: Worlds, call: Call) -> Any:
    from shared.ledger.ledger import PlatformLedger

    return PlatformLedger(worlds.blobs)


def _catalogue(worlds: Worlds, call: Call) -> Any:
    from shared.catalogue.catalogue import Catalogue

    return Catalogue(worlds.counters, _ledger(worlds, call))


def _catalogues(worlds: Worlds, call: Call) -> Any:
    from shared.catalogue.catalogue import Catalogues

    return Catalogues(worlds.counters, _platform_ledger(worlds, call))


def _intake(worlds: Worlds, call: Call) -> Any:
    from shared.intake.intake import Intake

    return Intake(
        ledger=_ledger(worlds, call),
        catalogue=_catalogue(worlds, call),
        leases=_leases(worlds, call),
        bus=worlds.buses.of(call.function),
        table=worlds.table,
        call=call,
        router=_router(worlds, call),
    )


def _router(worlds: Worlds, call: Call) -> Any:
    from shared.formats.router import FormatRouter

    return FormatRouter(has_pool=worlds.settings.pool_workers > 0)


def _answering(worlds: Worlds, call: Call) -> Any:
    from shared.answers.answering import Answering
    from shared.retrieval.sources import Library

    library = Library(worlds.embedding, worlds.encoder, worlds.vectors.of(call.tenant_id), _catalogue(worlds, call))
    return Answering(library, worlds.answerer, worlds.proxy, worlds.meter)


def _describer(worlds: Worlds, call: Call) -> Any:
    from shared.pictures.describer import Describer

    config = worlds.proxy_config
    most = config.vision.most_per_document if config.vision.describe_pictures else 0
    return Describer(most, lambda: worlds.proxy, config.price_table)


def _payer(worlds: Worlds, call: Call) -> Any:
    from shared.proxy.task import Payer

    key_id = call.principal.key_id if call.principal else ""
    return Payer(call.tenant_id, key_id, call.request_id, call.label, call.function)


def _conversations(worlds: Worlds, call: Call) -> Any:
    from shared.conversations.conversations import Conversations

    principal = call.principal
    return Conversations(worlds.counters, call.tenant_id, principal.user_id or principal.key_id if principal else "")


def _leases(worlds: Worlds, call: Call) -> Any:
    from shared.counters.leases import Leases

    return Leases(worlds.counters)


_PROVIDERS: dict[str, Provider] = {
    "shared.access.accounts.Accounts": lambda worlds, call: worlds.accounts,
    "shared.answers.answering.Answering": _answering,
    "shared.answers.extractive.ExtractiveAnswerer": lambda worlds, call: worlds.answerer,
    "shared.book.book.Book": lambda worlds, call: worlds.book,
    "shared.book.journal.Journal": lambda worlds, call: worlds.journal,
    "shared.book.metering.Meter": lambda worlds, call: worlds.meter,
    "shared.bus.port.Bus": lambda worlds, call: worlds.buses.of(call.function),
    "shared.bus.port.Redelivery": lambda worlds, call: worlds.buses.of(call.function),
    "shared.catalogue.catalogue.Catalogue": _catalogue,
    "shared.catalogue.catalogue.Catalogues": _catalogues,
    "shared.conversations.conversations.Conversations": _conversations,
    "shared.counters.leases.Leases": _leases,
    "shared.counters.port.Counters": lambda worlds, call: worlds.counters,
    "shared.embedding.port.Embedding": lambda worlds, call: worlds.embedding,
    "shared.embedding.sparse.SparseEncoder": lambda worlds, call: worlds.encoder,
    "shared.formats.router.FormatRouter": _router,
    "shared.intake.intake.Intake": _intake,
    "shared.ledger.ledger.Ledger": _ledger,
    "shared.ledger.ledger.PlatformLedger": _platform_ledger,
    "shared.parsing.workers.ParserPool": lambda worlds, call: worlds.parsers,
    "shared.pictures.describer.Describer": _describer,
    "shared.pool.queue.SliceQueue": lambda worlds, call: worlds.slices,
    "shared.proxy.budget.budget.Budget": lambda worlds, call: worlds.budget,
    "shared.proxy.config.ProxyConfig": lambda worlds, call: worlds.proxy_config,
    "shared.proxy.proxy.ExecutionProxy": lambda worlds, call: worlds.proxy,
    "shared.proxy.task.Payer": _payer,
    "shared.runtime.needs.Call": lambda worlds, call: call,
    "shared.runtime.settings.Settings": lambda worlds, call: worlds.settings,
    "shared.runtime.stages.StageWork": lambda worlds, call: call.work,
    "shared.runtime.table.Table": lambda worlds, call: worlds.table,
    "shared.types.principal.Principal": lambda worlds, call: call.principal,
    "shared.vectors.port.VectorIndex": lambda worlds, call: worlds.vectors,
    "shared.vectors.port.Vectors": lambda worlds, call: worlds.vectors.of(call.tenant_id),
}
