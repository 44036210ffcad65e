"""Options and arguments that several commands share."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import rich_click as click
from click.core import ParameterSource

from shared.terminal.output import note
from shared.types.document import Classification

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# Generic for a type checker only: older releases of click are not.
if TYPE_CHECKING:
    _Text = click.ParamType[str, Any]
else:
    _Text = click.ParamType

CLASSES = get_args(Classification)
MODES = ("hybrid", "vector", "graph")


class TextParam(_Text):
    """Text for a server. Bytes that are not UTF-8 are refused here, where the user can see which."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.fail("is not valid UTF-8", param, ctx)
        if not text.strip():
            self.fail("is empty", param, ctx)
        return text


class IdParam(_Text):
    """An id. It becomes part of a path and therefore contains no character with a meaning in paths."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}", str(value)):
            self.fail(f"{value!r} is not an id", param, ctx)
        return str(value)


class TimeParam(_Text):
    """A date, or a time in UTC where it names no zone. Becomes RFC 3339; with `takes_days` a date stays a date, which
    the server reads as the whole day."""

    name = "time"

    def __init__(self, *, takes_days: bool = True) -> None:
        self._takes_days = takes_days

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from datetime import UTC, datetime

        try:
            moment = datetime.fromisoformat(str(value))
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no date or time such as 2026-03-01 or 2026-03-01T09:30:00Z", param, ctx)
        if self._takes_days and re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
            return str(value)
        return moment.isoformat().replace("+00:00", "Z")


def _note_override(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    is_typed = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    if is_typed and os.environ.get("AEGIS_URL"):
        note("note: AEGIS_URL is set and wins over --data")
    return value


def data_option(help_text: str, *, is_client: bool = False) -> Decorator:
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="AEGIS_DATA",
        default=Path(".aegis"),
        show_default=True,
        callback=_note_override if is_client else None,
        help=help_text,
    )


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that calls a server."""
    data = data_option("Data folder of the server, where AEGIS_URL is not set.", is_client=True)
    return data(json_option(command))


def limit_option(default: int, highest: int | None, help_text: str) -> Decorator:
    return click.option("--limit", type=click.IntRange(1, highest), default=default, show_default=True, help=help_text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
operator_option = click.option("--operator", is_flag=True, help="Use the operator's key, for all tenants.")
max_cost_option = click.option("--max-cost-usd", type=click.FloatRange(min=0), help="Maximum cost in USD.")
document_option = click.option(
    "--document", "documents", type=IdParam(), multiple=True, help="Search only this document (may be repeated)."
)
class_option = click.option("--classification", type=click.Choice(CLASSES), help="Confidentiality of the content.")
mode_option = click.option(
    "--mode", type=click.Choice(MODES), default="hybrid", show_default=True, help="How passages are found."
)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: the server's defaults apply to the others."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items() if value}
