"""What CONTRIBUTING shows works as it is printed."""

import inspect
import re
import sys
import textwrap
import tomllib
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from shared.runtime.wiring.check import check_wiring
from shared.table.table import Operation, Table
from tests.pipeline.suite import Suite

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
MODULE, TEST = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
_ROW = re.search(r"^    \[\[function\.documents\.operation\]\]\n(?:    .+\n)+", TEXT, re.MULTILINE)


@pytest.fixture
def endpoint(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """The suite with the row and the module of the example."""
    assert _ROW
    (row,) = tomllib.loads(textwrap.dedent(_ROW[0]))["function"]["documents"]["operation"]
    operation = msgspec.convert(row, Operation)
    module = ModuleType(f"functions.documents.{operation.verb}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(MODULE, "CONTRIBUTING.md", "exec"), module.__dict__)
    documents = suite.table.function("documents")
    changed = msgspec.structs.replace(documents, operation=(*documents.operations, operation))
    check_wiring([changed])
    suite.table = Table(tuple(changed if one.name == "documents" else one for one in suite.table.functions))
    return suite


async def test_the_endpoint_passes_its_own_tests(endpoint: Suite) -> None:
    written: dict[str, object] = {}
    exec(compile(TEST, "CONTRIBUTING.md", "exec"), written)
    tests = [one for name, one in written.items() if name.startswith("test_") and inspect.iscoroutinefunction(one)]
    assert len(tests) == 2
    for test in tests:
        await test(endpoint)
