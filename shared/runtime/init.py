"""`aegis init`: prepares the stores whose variables are set, and creates the first operator. Safe to repeat."""

import asyncio
import os
from collections.abc import Mapping

from shared.access.accounts import Accounts
from shared.access.credentials import SHORTEST_KEY
from shared.records.structs import TenantRecord
from shared.redis.connection import check_server
from shared.runtime.serve import DEFAULT_TENANT
from shared.runtime.wiring.cluster import MissingStore, cluster_services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.types.clock import now

_NEEDED = ("AEGIS_S3_BUCKET", "AEGIS_REDIS_URL")


def init() -> dict[str, str]:
    """Returns `{operator_key, tenant_id, api_key}` where an operator was created, empty where one existed.

    Raises `MissingStore`, `StoreUnavailable` and `SettingError`.
    """
    given = os.environ.get("AEGIS_OPERATOR_KEY")
    if given and len(given) < SHORTEST_KEY:
        raise MissingStore(f"AEGIS_OPERATOR_KEY is too short: it takes {SHORTEST_KEY} characters or more.")
    for name in _NEEDED:
        if not os.environ.get(name):
            raise MissingStore(f"{name} is not set: accounts are stored there. Set it and run this again.")
    return asyncio.run(_init(os.environ))


async def _init(environ: Mapping[str, str]) -> dict[str, str]:
    services = cluster_services(load(), Settings.from_environ(environ), environ)
    try:
        await services.blobs.prepare()
        await check_server(services.redis)
        if environ.get("AEGIS_QDRANT_URL"):
            await services.vectors.prepare()
        if environ.get("AEGIS_NEO4J_URI"):
            await services.graph.prepare()
        return await _first_operator(services.accounts, environ.get("AEGIS_OPERATOR_KEY"))
    finally:
        await services.close()


async def _first_operator(accounts: Accounts, given: str | None) -> dict[str, str]:
    operators = await accounts.keys("")
    if given and not await accounts.load_key_of(given):
        await accounts.create_key("", "given by AEGIS_OPERATOR_KEY", "operator", secret=given)
    if operators:
        return {}
    operator_key = given or (await accounts.create_key("", "first operator", "operator"))[1]
    if await accounts.is_deleted(DEFAULT_TENANT):
        return {"operator_key": operator_key}
    if await accounts.tenant(DEFAULT_TENANT) is None:
        await accounts.keep_tenant(TenantRecord(DEFAULT_TENANT, "default", "enterprise", now()))
    _, api_key = await accounts.create_key(DEFAULT_TENANT, "first key", "admin")
    return {"operator_key": operator_key, "tenant_id": DEFAULT_TENANT, "api_key": api_key}
