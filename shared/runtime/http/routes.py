"""Binds routes of the table to handlers, by Litestar.

Each request passes the gate (credential, limits, role, scope), becomes a message, and is handled within its row's
time-out. Every error becomes problem+json.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException, NotFoundException
from litestar.exceptions import MethodNotAllowedException as LitestarMethodNotAllowed
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.response import Response
from msgspec import Struct

from shared.runtime.http import requests
from shared.runtime.http.abandoned import unless_abandoned
from shared.runtime.http.bodies import IncomingBody, discard, fingerprint_of
from shared.runtime.http.exchange import Asgi, Exchange, Exchanges, exchange_of
from shared.runtime.http.pages import own_pages
from shared.runtime.http.repetition import replayed, stored_answer
from shared.runtime.http.responses import (
    encoded_events,
    problem_response,
    response_of,
    stream_response,
)
from shared.runtime.wiring.injection import Plan, plan, provide
from shared.runtime.wiring.services import Services
from shared.table.table import Function, Operation
from shared.types.call import Call
from shared.types.charges import begin_charges
from shared.types.errors import (
    Deadline,
    FieldError,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    StoreUnavailable,
    Unauthenticated,
)
from shared.types.http import EventStream, SpooledFile
from shared.types.principal import Principal
from shared.types.request_sources import begin_sources

_CHECKED_AGAIN_S = 1.0
_BODYLESS = frozenset({"GET", "DELETE"})
_PARAMETER = re.compile(r"{(\w+)}")


def application(functions: Sequence[Function], services: Services, entrances: Sequence[HTTPRouteHandler] = ()) -> Asgi:
    """The routes of the functions, those of every process, and the entrances of events."""
    handlers = [
        _Route(function, operation, services).litestar_handler()
        for function in functions
        for operation in function.operations
        if operation.is_route
    ]
    app = _App(
        route_handlers=[*_options(handlers), *handlers, *own_pages(functions, services), *entrances],
        openapi_config=None,
        exception_handlers={
            HTTPException: _framework_problem,
            Exception: lambda request, error: problem_response(error, exchange_of(request.scope)),
        },
        request_max_body_size=None,
        logging_config=None,
    )

    async def limit_unrouted(exchange: Exchange) -> None:
        exchange.limits = await services.admit_address(exchange.address)

    return Exchanges(app, services.settings.trusted_proxies, limit_unrouted, services.settings.cors_origins)


def _options(handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Handlers of OPTIONS: Litestar's own name the methods of a path's first handler alone. They
    are registered before the path's others, or Litestar would have made its own."""
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(map(str, handler.http_methods))
    return [_options_of(path, ", ".join(sorted(allowed))) for path, allowed in methods.items()]


def _options_of(path: str, allowed: str) -> HTTPRouteHandler:
    async def endpoint(request: Request[Any, Any, Any]) -> Response[Any]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return HTTPRouteHandler(path, http_method=HttpMethod.OPTIONS, status_code=200)(endpoint)


class _App(Litestar):
    """Without the plugins for libraries that handlers do not use: where one is installed for some store's client, every
    function would import it at its start."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def _litestar_parameter(found: re.Match[str]) -> str:
    """A model's name may hold slashes, which a server hands on decoded; it is its path's last part."""
    return f"{{{found[1]}:{'path' if found[1] in ('model', 'id') else 'str'}}}"


class _Route:
    """The endpoint of one row."""

    def __init__(self, function: Function, operation: Operation, services: Services) -> None:
        self._function = function
        self._operation = operation
        self._services = services
        self._plan: tuple[type[Struct], Plan, str] | None = None

    def litestar_handler(self) -> HTTPRouteHandler:
        async def endpoint(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._answer(request)

        path = _PARAMETER.sub(_litestar_parameter, self._operation.path)
        method = HttpMethod(self._operation.method)
        name = f"{self._function.name}.{self._operation.verb}"
        return HTTPRouteHandler(path, http_method=method, name=name, status_code=200)(endpoint)

    async def _answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        exchange = exchange_of(request.scope)
        exchange.function, exchange.route = self._function.name, self._operation.path
        exchange.charges, exchange.sources = begin_charges(), begin_sources()
        principal, credential = await self._admit(exchange)
        key = exchange.headers.get("idempotency-key")
        if key is None or self._operation.method != "POST" or principal is None:
            message = await self._read(request, exchange, credential)
            return response_of(await self._handle(message, exchange, principal), exchange, _query(request))
        return await self._call_once(request, exchange, principal, credential, key)

    async def _admit(self, exchange: Exchange) -> tuple[Principal | None, str]:
        """Checks credential, limit, role and scope, in this order."""
        operation = self._operation
        if operation.role == "public":
            if operation.limit != "none":
                exchange.limits = await self._services.admit_address(exchange.address)
                _check_limit(exchange)
            return None, ""
        credential = _credential(exchange)
        refusals, gate = self._services.refusals, self._services.gate
        beyond = refusals.beyond(exchange.address)
        try:
            if beyond and refusals.is_refused(credential):
                raise Unauthenticated("The API key is not known or was revoked.")
            if operation.spends:
                found = await gate.admit_spender(credential, operation.limit, is_bounded=bool(beyond))
                principal, exchange.limits, exchange.remaining_budget = found
            else:
                principal, exchange.limits = await gate.admit(credential, operation.limit, is_bounded=bool(beyond))
        except Unauthenticated:
            exchange.limits = await refusals.count(exchange.address, credential)
            _check_limit(exchange)
            raise
        exchange.tenant_id = principal.tenant_id
        exchange.watching = lambda: self._services.revocations.watching(principal)
        _check_limit(exchange)
        if not principal.has_role(operation.roles):
            raise Forbidden(f"This takes the role {' or '.join(operation.roles)}; the credential has {principal.role}.")
        if operation.scope and operation.scope not in principal.scopes:
            raise Forbidden(f"This takes a key with the scope `{operation.scope}`.")
        return principal, credential

    async def _call_once(
        self,
        request: Request[Any, Any, Any],
        exchange: Exchange,
        principal: Principal,
        credential: str,
        key: str,
    ) -> Response[Any]:
        """Handles the call once for each idempotency key."""
        from shared.access.tokens import replay_secret
        from shared.idempotency.calls import IdempotentCalls, StoredAnswer
        from shared.runtime.http.recording import recorded

        message = await self._read(request, exchange, credential)
        route = f"{self._operation.method}:{exchange.path}"
        calls = IdempotentCalls(
            self._services.redis, principal.tenant_id, principal.key_id, route, replay_secret(credential)
        )
        try:
            call = await calls.begin(key, fingerprint_of(message), self._function.timeout_s)
            if isinstance(call, StoredAnswer):
                return replayed(call, exchange)
            try:
                answer = await self._handle(message, exchange, principal)
                if isinstance(answer, EventStream):
                    return stream_response(recorded(encoded_events(answer, exchange), call, exchange))
                response = response_of(answer, exchange, _query(request))
            except Exception as error:  # noqa: BLE001 - a refusal is an answer too; it is stored or not by its status
                response = problem_response(error, exchange)
        finally:
            discard(message)
        with contextlib.suppress(StoreUnavailable):  # the answer stands; only its repetition is not stored
            if stored := stored_answer(response, exchange):
                await call.finish(stored, exchange.sources)
            else:
                await call.release()
        return response

    async def _handle(self, message: Struct, exchange: Exchange, principal: Principal | None) -> Any:
        call = Call(
            self._function.name,
            tenant_id=exchange.tenant_id,
            principal=principal,
            request_id=exchange.request_id,
            traceparent=exchange.traceparent,
            last_event_id=exchange.headers.get("last-event-id", ""),
            is_ending=lambda: self._services.stopping,
            label=exchange.label,
            on_remaining=exchange.remaining_budget.show,
            address=exchange.address,
            credential="" if principal else _offered(exchange),
        )
        _, wanted, _ = self._planned()
        try:
            async with asyncio.timeout(self._function.timeout_s):
                handle = self._function.handler(self._operation)
                work = handle(message, **provide(self._services, wanted, call))
                answer = await (unless_abandoned(work, exchange) if requests.ends_with_caller(message) else work)
                if self._operation.audit and principal:
                    await self._record(message, answer, exchange, principal)
                return answer
        except TimeoutError as error:
            raise Deadline(f"The call took longer than the {self._function.timeout_s} s it may.") from error
        finally:
            discard(message)

    async def _record(self, message: Struct, answer: Any, exchange: Exchange, principal: Principal) -> None:
        """Durable before the answer leaves. Raises `StoreUnavailable`, `DiskFull`."""
        from shared.runtime.http.auditing import action_record

        await self._services.journal.append(action_record(self._operation, message, answer, exchange, principal))

    async def _read(self, request: Request[Any, Any, Any], exchange: Exchange, credential: str) -> Struct:
        """The request's message. Where its body took long, the key is checked again: it may be revoked by now."""
        started = time.monotonic()
        message = await self._message(request, exchange)
        try:
            if credential and time.monotonic() - started > _CHECKED_AGAIN_S:
                await self._services.gate.admit(credential, "none")
        except BaseException:
            discard(message)
            raise
        return message

    async def _message(self, request: Request[Any, Any, Any], exchange: Exchange) -> Struct:
        kind, _, file_field = self._planned()
        path = {name: str(value).removeprefix("/") for name, value in request.path_params.items()}
        if self._operation.method in _BODYLESS:
            return requests.from_query(kind, path, _query(request))
        requests.refuse_encoding(exchange.headers)
        if (query := _query(request)) and not requests.ignores_unknown(kind):
            detail = "this route takes no query parameters"
            raise InvalidRequest(
                f"{detail.capitalize()}.", errors=[FieldError(f"/{name}", detail) for name, _ in query]
            )
        incoming = IncomingBody(request.stream(), exchange, self._services.settings)
        return await incoming.message(kind, path, file_field)

    def _planned(self) -> tuple[type[Struct], Plan, str]:
        if self._plan is None:
            kind, wanted = plan(self._function, self._operation)
            files = [name for name, hint in kind.__annotations__.items() if hint is SpooledFile]
            self._plan = kind, wanted, files[0] if files else ""
        return self._plan


def _credential(exchange: Exchange) -> str:
    if offered := _offered(exchange):
        return offered
    raise Unauthenticated("Send an API key or an access token as `Authorization: Bearer <key>`.")


def _offered(exchange: Exchange) -> str:
    """The credential that was sent; empty without one."""
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return exchange.headers.get("x-api-key", "").strip()


def _check_limit(exchange: Exchange) -> None:
    if exchange.limits and exchange.limits.retry_after:
        wait = exchange.limits.retry_after
        raise RateLimited(
            f"The limit of {exchange.limits.limit} requests is used up. Try again in {wait} s.", retry_after=wait
        )


def _query(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in request.query_params.multi_items()]


def _framework_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answers the errors that Litestar itself raises."""
    exchange = exchange_of(request.scope)
    known: dict[type[HTTPException], Callable[[], Exception]] = {
        NotFoundException: lambda: NotFound("There is nothing at this path; /openapi.json lists what there is."),
        LitestarMethodNotAllowed: lambda: MethodNotAllowed(f"This path does not take {exchange.method}."),
    }
    for kind, problem in known.items():
        if isinstance(error, kind):
            answer = problem_response(problem(), exchange)
            answer.headers.update(error.headers or {})  # a 405 says in `Allow` what the path takes
            return answer
    if error.status_code < 500:
        return problem_response(InvalidRequest(f"{error.detail or 'The request cannot be read'}."), exchange)
    return problem_response(error, exchange)
