"""The command line itself: which commands there are, and what their ends mean to a shell."""

import sys
from collections.abc import Sequence
from importlib import import_module

import rich_click as click

from shared.terminal.failure import Exit, Failure, Interrupted
from shared.terminal.render import note

# Command, module, and what the list of commands says of it: a module is imported when its command is run.
COMMANDS = {
    "serve": ("serve", "Run the whole suite in this process."),
    "function": ("serve", "Run one function as its container does."),
    "functions": ("functions", "List the functions and what wakes them."),
    "init": ("init", "Prepare the stores whose variables are set, and make the first operator."),
    "rebuild": ("rebuild", "Make indexes anew from the kept documents, with no model call and no charge."),
    "doctor": ("doctor", "Check this machine, the data folder, the server and the stores."),
    "ingest": ("ingest", "Upload files and folders and wait until they can be asked about."),
    "estimate": ("estimate", "Tell what a file would become and cost, and run nothing."),
    "ask": ("ask", "Ask a question of the documents."),
    "search": ("search", "Find passages."),
    "documents": ("documents", "List, show, watch, read, retry and delete documents."),
    "keys": ("keys", "Make, list and revoke API keys."),
    "tenants": ("tenants", "Make, list, change and delete tenants (operator)."),
    "failed": ("failed", "List, show, replay and delete dead letters."),
    "usage": ("usage", "Tell what was used and what it cost."),
    "budget": ("budget", "Show and set what may be spent, and try another strategy on past usage."),
    "explain": ("explain", "Tell what became of a request: decisions, passages, reservations, costs."),
    "audit": ("audit", "Tell what left for the cloud, and verify the book."),
    "reconcile": ("reconcile", "Hold Redis, the book and the provider's bill against each other."),
    "completion": ("completion", "Print the shell's completion script."),
}


def loaded(name: str) -> click.Command:
    """The command itself."""
    command = getattr(import_module(f"shared.terminal.{COMMANDS[name][0]}"), name)
    assert isinstance(command, click.Command)
    return command


class _Program(click.RichGroup):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in COMMANDS:
            self.add_command(loaded(args[0]))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        # click would call it "aborted" and exit 1.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted() from None


@click.group(cls=_Program, name="aegis", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aegisrag", prog_name="aegis")
@click.command_panel("Serve", commands=["serve", "function", "functions", "init", "rebuild", "doctor"])
@click.command_panel("Documents and questions", commands=["ingest", "estimate", "ask", "search", "documents"])
@click.command_panel("Money", commands=["usage", "budget", "explain", "audit", "reconcile"])
@click.command_panel("Accounts and upkeep", commands=["keys", "tenants", "failed", "completion"])
def program() -> None:
    """Answers questions from your own documents, with citations.

    Results go to stdout, progress and notes to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 3 no answer in the
    sources, 4 not allowed, 5 limit or budget, 6 unavailable, 130 interrupted.
    """


for _name, (_, _summary) in COMMANDS.items():
    program.add_command(click.RichCommand(name=_name, help=_summary))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    try:
        program.main(args=typed, prog_name="aegis", obj=typed)
    except Failure as failure:
        _tell(failure)
        return int(failure.exit)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(Exit.FAILED if end.code else Exit.OK)


def _print_anything() -> None:
    """A terminal that cannot show a character shows its number instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def _tell(failure: Failure) -> None:
    first, *rest = failure.lines or ("the command failed",)
    note(first if isinstance(failure, Interrupted) else f"error: {first}")
    for told in rest:
        note(told)
