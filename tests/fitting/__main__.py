"""Fits the weights of the extractive answerer to the set beside, and writes them with a report of what they do.

python -m tests.fitting            writes shared/answers/weights.json and docs/reference/answers-measured.md
python -m tests.fitting --check    fits, and exits with 1 where the file is not what this program writes
"""

import asyncio
import sys
from collections.abc import Collection, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from shared.answers.weights import FittedWeights, Weights, fitted_weights
from tests.fitting.fit import fit, folds, held_out_documents
from tests.fitting.report import Judged, judge, render
from tests.fitting.samples import SET, Sample, read_samples, read_set

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "shared/answers/weights.json"
REPORT = ROOT / "docs/reference/answers-measured.md"

_TOLERANCE = 0.02
"""The share of questions whose outcome may differ: another processor rounds what the model gives otherwise."""


def main() -> int:
    questions = read_set()
    samples = asyncio.run(read_samples(questions))
    fitted, report = fitted_and_reported(samples)
    if "--check" in sys.argv:
        return _check(samples, fitted)
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(fitted), indent=1) + b"\n")
    REPORT.write_text(report, encoding="utf-8")
    print(f"written: {WEIGHTS.relative_to(ROOT)}, {REPORT.relative_to(ROOT)}")
    return 0


def fitted_and_reported(samples: Sequence[Sample]) -> tuple[FittedWeights, str]:
    language = {sample.question.document: sample.question.tags["language"] for sample in samples}
    held_out = held_out_documents(list(language), language.__getitem__)
    validated: list[Judged] = []
    for part in folds([name for name in language if name not in held_out]):
        weights = _fit(_about(samples, part.outside))
        validated += [judge(sample, weights) for sample in _about(samples, part.inside)]
    weights = _fit(_about(samples, language.keys() - held_out))
    unseen = [judge(sample, weights) for sample in _about(samples, held_out)]
    fitted = FittedWeights(source_digest(), weights[False], weights[True])
    return fitted, render(validated, unseen, fitted)


def source_digest() -> str:
    """The SHA-256 of the set and of the program that fits."""
    digest = sha256()
    files = [path for folder in (SET, Path(__file__).parent) for path in folder.rglob("*") if path.is_file()]
    for path in sorted(set(files)):
        if path.suffix != ".pyc" and not path.name.startswith("test_"):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _fit(samples: Sequence[Sample]) -> dict[bool, Weights]:
    return {german: fit([one for one in samples if one.german is german], german=german) for german in (False, True)}


def _about(samples: Sequence[Sample], documents: Collection[str]) -> list[Sample]:
    return [sample for sample in samples if sample.question.document in documents]


def _check(samples: Sequence[Sample], fitted: FittedWeights) -> int:
    """Compares what comes of each question under the weights of the file and under those that were fitted now."""
    present = fitted_weights()
    ours, file = ({False: one.english, True: one.german} for one in (fitted, present))
    changed = sum(judge(sample, ours).outcome != judge(sample, file).outcome for sample in samples)
    stale = changed > _TOLERANCE * len(samples) or present.fitted_from != fitted.fitted_from
    if stale:
        print(f"{WEIGHTS.relative_to(ROOT)} is not what the program fits: {changed} of {len(samples)} outcomes differ")
        print("run `make fit` and commit what it writes", file=sys.stderr)
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
