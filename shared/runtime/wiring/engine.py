"""Checks at the start that the engine which reads pages can be used, and logs where it computes."""

from collections.abc import Iterable

from shared.parsing.engine import PdfEngine, has_card
from shared.table.table import Function
from shared.telemetry.logs import log


def reads_pages(function: Function) -> bool:
    """Whether the function is a stage that reads documents; others only render their pages."""
    return "parsing" in function.needs and any(operation.is_stage for operation in function.operations)


def check_engine(functions: Iterable[Function], engine: PdfEngine) -> None:
    """Raises `SettingError` with what is missing where one of the functions reads pages."""
    readers = [function.name for function in functions if reads_pages(function)]
    if not readers:
        return
    engine.require()
    if engine.is_docling or has_card():
        write = log().info if engine.device == "cuda" else log().warning
        write(engine.description(), extra={"function": readers[-1]})
