"""`aegis init`: prepares a cluster's stores and creates the first operator."""

import rich_click as click

from shared.terminal.errors import store_errors
from shared.terminal.options import json_option
from shared.terminal.output import note, write_fields, write_json


@click.command()
@json_option
def init(as_json: bool) -> None:
    """Prepare the stores whose variables are set, and create the first operator."""
    with store_errors("check its variable and that it runs, then try again"):
        from shared.runtime.init import init as run

        created = run()
    if not created:
        note("the stores are ready; there is an operator already, so no key was created")
    if as_json or not created:
        write_json(created)
    else:
        note("save these keys now: they cannot be shown again")
        write_fields(list(created.items()))
