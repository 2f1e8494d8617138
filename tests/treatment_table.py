"""The zoo's treatments in one table: ``python -m tests.treatment_table RESULTS.jsonl [torch:mpg_raw …]``.

Trains what does not stand in the file yet, every recipe or those named, and prints medians of the proof's seeds.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.treatments import TOLERANCE
from tests.zoo.files import missing_data

FRAMEWORKS: Final = {
    "torch": (("tests.zoo.torch_recipes", "WELL"), ("tests.zoo.torch_recipes_wiring", "WELL_WIRED")),
    "keras": (("tests.zoo.keras_recipes", "WELL"),),
    "flax": (("tests.zoo.flax_recipes", "WELL"),),
}
MORE: Final = {
    "torch": ("detached", "shuffled_labels"), "keras": ("double_softmax",), "flax": ("shuffled_labels",),
}  # fmt: skip
"""Recipes of the last of a framework's modules without a well figure."""


def recipes(framework: str) -> Iterator[tuple[Any, float | None]]:
    """Every sick recipe of a framework, and its score when it is well."""
    module = None
    for name, well in FRAMEWORKS[framework]:
        module = importlib.import_module(name)
        yield from getattr(module, well).items()
    yield from ((getattr(module, name), None) for name in MORE[framework])


def measure(framework: str, make: Any, well: float | None) -> dict[str, Any]:
    """Treat a recipe; what the table shows of it."""
    from trainability.treatment import treat

    train = importlib.import_module(f"trainability.adapters.{framework}.trainer").train
    start = time.process_time()
    found = treat(make, train).to_dict()
    kept = ("untreated", "treated", "random_search", "effect", "interval", "verdict", "cost", "ablation_cost")
    return {
        "recipe": f"{framework}:{make.__name__}", "well": well, **{name: found[name] for name in kept},
        "operations": [one["words"] for one in found["operations"]],
        "random_operations": [one["words"] for one in found["random_operations"]],
        "cpu_s": round(time.process_time() - start, 1),
    }  # fmt: skip


def median(scores: list[float | None]) -> float:
    return statistics.median(-1.0 if score is None else score for score in scores)


def show(rows: list[dict[str, Any]]) -> None:
    """The table, and how many hold what is asked of all."""
    print(f"{'recipe':<38}{'untreated':>10}{'treated':>9}{'random':>8}{'well':>6}  verdict")
    counts = dict.fromkeys(("reach the well figure", "as good as random search", "better than random search"), 0)
    for row in rows:
        before, after, chance = (median(row[name]) for name in ("untreated", "treated", "random_search"))
        well = math.nan if row["well"] is None else row["well"]
        print(f"{row['recipe']:<38}{before:>10.3f}{after:>9.3f}{chance:>8.3f}{well:>6.2f}  {row['verdict']}")
        for name, holds in zip(
            counts, (after >= well - TOLERANCE, after >= chance - TOLERANCE, after > chance), strict=True
        ):
            counts[name] += holds
    print(f"of {len(rows)}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


def main(path: Path, names: list[str]) -> None:
    """Measure what is missing, and show all."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    done = {row["recipe"] for row in rows}
    for framework in FRAMEWORKS:
        for make, well in recipes(framework):
            name = f"{framework}:{make.__name__}"
            if name in done or (names and name not in names) or missing_data(make):
                continue
            rows.append(measure(framework, make, well))
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    show(rows)


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "torch")
    main(Path(sys.argv[1]), sys.argv[2:])
