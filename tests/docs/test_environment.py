"""The settings reference has every variable that the code reads."""

import pytest

from docs import environment
from docs.environment import SECTIONS, UndocumentedVariable, names_in, read_in_code, render


@pytest.mark.parametrize(
    "source",
    [
        "os.environ['FIRST']",
        "os.environ.get('FIRST')",
        "environ.get('FIRST', '')",
        "'FIRST' in environ",
        "whole(environ, 'FIRST', 1)",
        "NAME = 'FIRST'\nos.environ.get(NAME)",
        "for name in ('FIRST',):\n    environ.get(name)",
        "URLS = {'FIRST': 1}\n[url for name, port in URLS.items() if (url := environ.get(name))]",
        "option('--first', envvar='FIRST')",
    ],
)
def test_a_name_by_which_an_environment_is_asked_is_found(source: str) -> None:
    assert set(names_in(source)) == {"FIRST"}


def test_a_name_of_ours_is_found_wherever_it_stands_alone() -> None:
    assert set(names_in("read(x, 'AEGIS_ONE')\nhelp = 'set AEGIS_TWO'")) == {"AEGIS_ONE"}


def test_a_variable_that_the_reference_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "read_in_code", lambda: {**read_in_code(), "AEGIS_NEW": ["shared/new.py"]})
    with pytest.raises(UndocumentedVariable, match="lacks AEGIS_NEW"):
        render()


def test_a_variable_that_nobody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {name: modules for name, modules in read_in_code().items() if name != "AEGIS_DATA"}
    monkeypatch.setattr(environment, "read_in_code", lambda: left)
    with pytest.raises(UndocumentedVariable, match="no module reads AEGIS_DATA"):
        render()


def test_each_variable_stands_once() -> None:
    names = [one.name for variables in SECTIONS.values() for one in variables]
    assert len(names) == len(set(names))
    table = render()
    assert all(f"| `{name}` |" in table for name in names)
