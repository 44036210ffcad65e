"""The command line as a shell meets it."""

import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from shared.terminal.program import COMMANDS, loaded
from tests.shared.terminal.conftest import Aegis

RUN = "import sys; from shared.terminal.program import main; sys.exit(main())"
BARE = "import rich_click as click; click.command()(lambda: None)()"


def test_help_lists_every_command_and_the_exit_codes(aegis: Aegis) -> None:
    ended = aegis("--help")
    assert ended.exit == 0
    assert all(f" {name} " in ended.out for name in COMMANDS)
    assert "130" in ended.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    text = loaded(name).help or ""
    assert text.split("\n\n")[0].replace("\n", " ") == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(aegis: Aegis, name: str) -> None:
    ended = aegis(name, "--help")
    assert ended.exit == 0
    assert COMMANDS[name][1][:40] in ended.out


def test_help_waits_for_no_client_and_no_engine() -> None:
    output = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", RUN, "--help"], capture_output=True, text=True, check=True
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in output.splitlines()}
    assert "rich_click" in imported
    assert not imported & {"httpx", "asyncio", "litestar", "redis", "numpy", "docling", "neo4j", "qdrant_edge"}


def test_help_is_there_at_once() -> None:
    """0.3 s is the promise; on a slow machine, no more than twice a bare program of the same library."""

    def processor_seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def seconds(program: str) -> float:
        begin = processor_seconds()
        subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, check=True)
        return processor_seconds() - begin

    rounds = [(seconds(RUN), seconds(BARE)) for _ in range(5)]
    ours, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    assert ours < max(0.3, 2 * bare)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-such-command",),
        ("ask",),
        ("ask", " "),
        ("ask", "why?", "--mode", "magic"),
        ("ask", "why?", "--limit", "51"),
        ("ask", "why?", "--json", "--show-context"),
        ("ask", "why?", "--as-of", "yesterday"),
        ("ask", "bytes that are no text: \udcff"),
        ("ingest",),
        ("ingest", "there-is-no-such-file"),
        ("documents", "show", "../keys"),
        ("documents", "show", ".."),
        ("rebuild", "--only", "everything"),
        ("tenants", "update", "ten_1"),
        ("completion", "tcsh"),
    ],
)
def test_a_command_line_that_is_not_one_exits_2(aegis: Aegis, arguments: tuple[str, ...]) -> None:
    ended = aegis(*arguments)
    assert (ended.exit, ended.out) == (2, "") or (not arguments and ended.exit == 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_the_program(aegis: Aegis, shell: str) -> None:
    ended = aegis("completion", shell)
    assert ended.exit == 0
    assert f"_AEGIS_COMPLETE={shell}_complete" in ended.out


def test_completion_knows_the_options_of_a_command() -> None:
    asked = {"COMP_WORDS": "aegis ask --max", "COMP_CWORD": "2", "_AEGIS_COMPLETE": "bash_complete"}
    output = subprocess.run([sys.executable, "-c", RUN], env=asked, capture_output=True, text=True).stdout
    assert "--max-cost-usd" in output
    assert "--max-latency-ms" in output


def test_the_version_is_the_packages(aegis: Aegis) -> None:
    from importlib.metadata import version

    assert version("aegisrag") in aegis("--version").out


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -c "{RUN}" functions --json | head -c 1'
    output = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert output.stdout == "{"
    assert "Traceback" not in output.stderr


def test_functions_lists_what_wakes_each(aegis: Aegis) -> None:
    items = aegis("functions", "--json").json["items"]
    assert items
    for item in items:
        assert set(item) == {
            "name", "operations", "needs", "min_scale", "max_scale", "concurrency", "timeout_s",
        }  # fmt: skip
        assert all(set(operation) == {"on", "filter", "role", "emits"} for operation in item["operations"])
    printed = aegis("functions")
    assert all(item["name"] in printed.out for item in items)
