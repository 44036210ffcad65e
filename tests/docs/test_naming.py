"""Names follow the glossary."""

from pathlib import Path

import pytest

from docs import naming

WORDS = naming.hints(naming.GLOSSARY.read_text(encoding="utf-8"))


def _module(tmp_path: Path, text: str, name: str = "module.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("word", ["told", "kept", "epoch", "grave", "thing"])
def test_the_glossary_lists_what_is_not_a_name(word: str) -> None:
    assert WORDS[word]


@pytest.mark.parametrize(
    "text",
    [
        "told = 1",
        "def kept_back(): ...",
        "class TheWorld: ...",
        "def free(grave): ...",
        "self.life = 1",
        "LIFE_S: int = 2",
    ],
)
def test_a_wrong_word_is_found_in_every_kind_of_definition(tmp_path: Path, text: str) -> None:
    (line,) = naming.wrong_words([_module(tmp_path, text)])
    assert "module.py:1: " in line
    assert ": write " in line


def test_the_name_of_a_module_is_a_name(tmp_path: Path) -> None:
    assert naming.wrong_words([_module(tmp_path, "", "kept.py")])


def test_words_are_compared_whole(tmp_path: Path) -> None:
    assert not naming.wrong_words(
        [_module(tmp_path, "lifespan = ways_out_of_context = 1".replace("ways_out", "always"))]
    )


def test_sentences_of_tests_are_free_and_their_variables_are_not(tmp_path: Path) -> None:
    path = _module(tmp_path, "def test_a_promise_is_kept():\n    told = 1\n", "test_what_is_told.py")
    (line,) = naming.wrong_words([path])
    assert ":2: told" in line


def test_a_public_class_has_one_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "shared").mkdir(exist_ok=True)
        (tmp_path / "shared" / f"{name}.py").write_text("class Twin: ...\nclass _Own: ...\nLIMIT = 1\n")
    found = naming.double_names([Path("shared/a.py"), Path("shared/b.py")])
    assert found == ["shared/a.py:1: Twin: has 2 homes", "shared/b.py:1: Twin: has 2 homes"]


def test_a_glossary_without_its_table_is_an_error() -> None:
    with pytest.raises(SystemExit, match="missing"):
        naming.hints("# Glossary\n")
