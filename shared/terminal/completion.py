"""`aegis completion`: shell completion for commands and options."""

import rich_click as click
from click.shell_completion import get_completion_class

from shared.terminal.output import write


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the shell's completion script.

    For bash: `eval "$(aegis completion bash)"`.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    write(kind(ctx.find_root().command, {}, "aegis", "_AEGIS_COMPLETE").source())
