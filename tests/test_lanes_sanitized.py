"""The kernel under AddressSanitizer and UndefinedBehaviorSanitizer, in the form of the product and the portable one.

`make sanitized` builds these forms (tests/native). They run in a process of their own, which has to load the
sanitizer's library before anything else. What they do is tests/lanes_cover.py; its outcome has the product's bits.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.lanes_cover import covered, records, rows, table
from tests.lanes_functions import bits
from tests.required import required
from trainability.engine.lanes import unavailable
from trainability.engine.lanes.library import kernels
from trainability.losses import LOSSES

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "sanitized" / "tests" / "native"
CHECKED = sorted(path.name.split(".")[0] for path in BUILT.glob("*_sanitized.*.so"))

pytestmark = required(unavailable() or ("" if CHECKED else "no kernel with sanitizers is built; see `make sanitized`"))


def checked(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with those arguments, watched by the sanitizers."""
    environment = {
        **os.environ,
        "LD_PRELOAD": (BUILT / "preload.txt").read_text(),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python does not free everything at its end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # so that the ends of Python's own arrays are watched too
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wanted() -> dict[str, np.ndarray]:
    """The outcome of the product's kernel."""
    return {**bits(kernels()[0]), **records(kernels()[0])}


@pytest.mark.parametrize("kernel", CHECKED)
def test_training_has_no_error_of_memory_and_the_products_bits(
    kernel: str, wanted: dict[str, np.ndarray], tmp_path: Path
):
    run = checked("-m", "tests.lanes_cover", str(BUILT), kernel, str(tmp_path / "records.npz"))
    assert run.returncode == 0, run.stderr[:4000]
    found = np.load(tmp_path / "records.npz")
    assert set(found) == set(wanted)
    for name, column in wanted.items():
        np.testing.assert_array_equal(found[name], column, name)


def test_the_training_takes_every_value_of_every_factor():
    trained = [{"task": task, **settings} for task, settings in rows()]
    assert all(covered(**settings) for settings in trained)
    for name, values in table().items():
        assert set(map(str, values)) <= {str(settings.get(name)) for settings in trained}
    pairs = {(loss.name, task) for loss in LOSSES for task in loss.tasks if covered(task, loss=loss.name)}
    assert pairs == {(settings["loss"], settings["task"]) for settings in trained}


@pytest.mark.parametrize(
    ("mistake", "words"),
    [("overrun(3)", "AddressSanitizer: heap-buffer-overflow"), ("overflow(65536)", "signed integer overflow")],
)
def test_the_sanitizers_find_a_mistake(mistake: str, words: str):
    run = checked("-c", f"import sys; sys.path.insert(0, {str(BUILT)!r}); import _mistakes; _mistakes.{mistake}")
    assert run.returncode != 0
    assert words in run.stderr
