"""The command line: its commands, and the exit codes of their errors."""

import sys
from collections.abc import Sequence
from importlib import import_module

import rich_click as click

from shared.terminal.errors import CommandError, ExitCode, Interrupted
from shared.terminal.output import note

# Command, module and summary in the list of commands: a module is imported when its command runs.
COMMANDS = {
    "serve": ("serve", "Run the whole suite in this process."),
    "function": ("serve", "Run one function as its container does."),
    "functions": ("functions", "List the functions and their triggers."),
    "init": ("init", "Prepare the stores whose variables are set, and create the first operator."),
    "rebuild": ("rebuild", "Rebuild the indexes from the stored documents, without model calls or charges."),
    "doctor": ("doctor", "Check this machine, the data folder, the server and the stores."),
    "ingest": ("ingest", "Upload files and folders and wait until they are ready."),
    "estimate": ("estimate", "Estimate the pages, tokens and cost of a file without processing it."),
    "ask": ("ask", "Ask a question about the documents."),
    "search": ("search", "Search the documents for passages."),
    "eval": ("evaluation", "Measure answers and search results with questions whose right answers are known."),
    "mcp": ("mcp", "Serve the Model Context Protocol on stdin and stdout."),
    "documents": ("documents", "List, show, watch, print, retry and delete documents."),
    "graph": ("graph", "Export the graph of entities, and merge exported ones into it."),
    "keys": ("keys", "Create, list, rotate and revoke API keys."),
    "tenants": ("tenants", "Create, list, change and delete tenants (operator)."),
    "failed": ("failed", "List, show, replay and delete dead letters."),
    "usage": ("usage", "Show usage and its cost."),
    "budget": ("budget", "Show and set budgets, and price past usage under another strategy."),
    "explain": ("explain", "Show the decisions, passages, reservations, costs and ratings of a request."),
    "audit": ("audit", "List what left for the cloud and who did what, and verify the usage ledger."),
    "reconcile": ("reconcile", "Compare Redis, the usage ledger and the provider's bill, and correct the differences."),
    "completion": ("completion", "Print the shell's completion script."),
}


def loaded(name: str) -> click.Command:
    """Imports a command."""
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
        # click would print "Aborted!" and exit with 1.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted() from None


@click.group(cls=_Program, name="aegis", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aegisrag", prog_name="aegis")
@click.command_panel("Serve", commands=["serve", "function", "functions", "init", "rebuild", "doctor"])
@click.command_panel(
    "Documents and questions", commands=["ingest", "estimate", "ask", "search", "eval", "documents", "graph"]
)
@click.command_panel("Money", commands=["usage", "budget", "explain", "audit", "reconcile"])
@click.command_panel("Accounts and upkeep", commands=["keys", "tenants", "failed", "mcp", "completion"])
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
    _escape_unencodable()
    try:
        program.main(args=typed, prog_name="aegis", obj=typed)
    except CommandError as failure:
        first, *rest = failure.lines or ("the command failed",)
        note(first if isinstance(failure, Interrupted) else f"error: {first}")
        for text in rest:
            note(text)
        return int(failure.exit)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(ExitCode.FAILED if end.code else ExitCode.OK)


def _escape_unencodable() -> None:
    """Prints the number of a character that the terminal cannot encode, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
