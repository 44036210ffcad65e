"""Describes every route of the table as OpenAPI 3.1."""

from msgspec import Struct

from shared.runtime.http.openapi import describe
from shared.table.table import Table
from shared.types.http import Content


class Describe(Struct, frozen=True):
    pass


async def handle(request: Describe, table: Table) -> Content:
    return Content(describe(table), "application/json")
