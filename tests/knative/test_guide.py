"""The counts of the Knative guide are those of the repository."""

from pathlib import Path

import pytest

from knative import lint
from tests.knative.test_lint import CASES, _recorded

ROOT = Path(__file__).parents[2]
GUIDE = " ".join((ROOT / "docs/guides/KNATIVE.md").read_text(encoding="utf-8").split())


def test_the_guide_counts_verdicts_and_examples_as_the_tests_do() -> None:
    assert f"| {len(_recorded())} recorded verdicts of the real webhooks" in GUIDE
    of_admission = [rule for _, rule, _ in CASES if rule.__module__ != "knative.rules.ours"]
    assert f"each example that a rule refuses, {len(of_admission)} in all" in GUIDE


@pytest.fixture(scope="module")
def sent() -> list[str]:
    """The kind of each document that `kubectl apply -k knative/` and `knative/init` send."""
    files = [path for folder in ("base", "services", "init") for path in (ROOT / "knative" / folder).glob("*.yaml")]
    kinds = [manifest["kind"] for path in files for _, manifest in lint.documents(path)]
    return [kind for kind in kinds if kind != "Kustomization"]


def test_the_guide_counts_the_documents_that_are_sent(sent: list[str]) -> None:
    assert f"the {len(sent)} documents of today, {sent.count('Service')} Services among them" in GUIDE
