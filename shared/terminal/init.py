"""`aegis init`: prepares a cluster's stores and makes the first operator."""

import rich_click as click

from shared.terminal.failure import Exit, Failure, Unreachable
from shared.terminal.options import json_option
from shared.terminal.render import line, note, say_fields, say_json


@click.command()
@json_option
def init(as_json: bool) -> None:
    """Prepare the stores whose variables are set, and make the first operator."""
    from shared.runtime.init import init as run
    from shared.types.errors import AegisError, StoreUnavailable

    try:
        made = run()
    except StoreUnavailable as error:
        raise Unreachable(line(error), "what to do: check its variable and that it runs, then try again") from error
    except (AegisError, ValueError) as error:
        raise Failure(Exit.USAGE, str(error)) from error
    if not made:
        note("the stores are ready; there is an operator already, so no key was made")
    if as_json or not made:
        say_json(made)
    else:
        note("keep these keys now: they cannot be shown again")
        say_fields(list(made.items()))
