"""What a script may do while it is watched: all that it may do without."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import trainability
from trainability.adapters.mixing import mixing
from trainability.doctor import run_script

BEGIN = """
import sys, torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(200, 6); y = (x[:, 0] > 0).long()
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 2)
    def forward(self, x):
        return self.b(torch.relu(self.a(x)))
def fit(model, steps=20, x=x, y=y):
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    return loss.item()
"""


def script(tmp_path: Path, body: str) -> str:
    path = tmp_path / "train.py"
    path.write_text(BEGIN + body)
    return os.fspath(path)


def test_models_are_copied_and_saved_as_they_are(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = script(
        tmp_path,
        "import copy, io; model = Net(); fit(model); other = copy.deepcopy(model); kept = io.BytesIO()\n"
        "torch.save(model, kept); kept.seek(0); print(type(torch.load(kept, weights_only=False)).__name__)\n"
        "print(len(other._forward_hooks), len(model._forward_hooks), __file__, sys.argv)",
    )
    made = run_script(path, ["--rate", "3"])
    assert (made.code, len(made.diagnoses)) == (0, 1)
    assert capfd.readouterr().out == f"Net\n0 0 {path} {[path, '--rate', '3']}\n"


def test_a_script_is_named_as_python_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    script(tmp_path, "print(__file__, sys.argv, __name__, __spec__, sys.modules['__main__'].fit is fit)")
    monkeypatch.chdir(tmp_path)
    assert run_script("train.py").code == 0
    assert capfd.readouterr().out == f"{tmp_path / 'train.py'} ['train.py'] __main__ None True\n"


def test_what_a_loss_refused_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    made = run_script(script(tmp_path, "fit(Net(), y=y + 1)"))
    assert made.code == 1
    assert [(one.code, one.evidence.figures["labels of none"]) for one in made.diagnoses[0].roots] == [
        ("labels-invalid", "[2]")
    ]
    said = capfd.readouterr().err
    assert "IndexError: Target 2 is out of bounds." in said
    assert "overrides.py" not in said
    assert "trainability" not in said.replace(os.fspath(tmp_path), "")


def test_threads_train_side_by_side(tmp_path: Path):
    body = "import threading\nboth = [threading.Thread(target=fit, args=(Net(),)) for _ in range(2)]\n"
    made = run_script(script(tmp_path, body + "for one in both: one.start()\nfor one in both: one.join()"))
    assert made.code == 0
    assert [diagnosis.chart.steps for diagnosis in made.diagnoses] == [20, 20]
    assert not torch._C._len_torch_function_stack()


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")
def test_a_traced_model_is_traced(tmp_path: Path):
    made = run_script(script(tmp_path, "fit(torch.jit.trace(Net(), x)); print('traced')"))
    assert (made.code, made.diagnoses[0].chart.steps) == (0, 20)


def test_a_compiled_model_is_seen(tmp_path: Path):
    body = """
model = Net(); fit(torch.compile(model, backend="eager"))
@torch.compile(backend="eager")
def loss_of(other): return nn.functional.cross_entropy(other(x), y)
other = Net(); optimizer = torch.optim.SGD(other.parameters(), 0.1)
for _ in range(5): optimizer.zero_grad(); loss_of(other).backward(); optimizer.step()
"""
    made = run_script(script(tmp_path, body))
    assert made.code == 0
    assert [(one.name, one.chart.steps, len(one.chart.layers)) for one in made.diagnoses] == [
        ("Net 1", 20, 2),
        ("Net 2", 5, 2),
    ]


@pytest.mark.soak
def test_a_fork_is_silent_and_interrupts_are_the_scripts_own(tmp_path: Path):
    body = """
import os, signal
child = os.fork()
fit(Net())
if child:
    os.waitpid(child, 0)
    try:
        fit(Net(), 5); os.kill(os.getpid(), signal.SIGINT); fit(Net(), 10 ** 6)
    except KeyboardInterrupt:
        print("saved", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
"""
    words = [sys.executable, "-c", "from trainability.cli.main import run; run()", "doctor", script(tmp_path, body)]
    watched = subprocess.run(words, capture_output=True, text=True, check=False)
    assert watched.stdout == "saved\n"
    assert watched.stderr.count("Net 1: 20 steps") == 1
    assert "Net 2: 5 steps" in watched.stderr
    assert watched.stderr.count("KeyboardInterrupt") == 1
    assert "the script was stopped" in watched.stderr
    assert watched.returncode == 130


def test_what_a_step_held_is_let_go_of():
    """Also of a model that is only used: nothing is looked at there, and it must not be kept for ever."""
    model, used = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4)), nn.Linear(4, 4).requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    alive: list[weakref.ref[torch.Tensor]] = []
    gc.disable()
    try:
        with trainability.watch(model), trainability.watch(used) as other:
            kept: list[int] = []
            for _ in range(30):
                answer = used(model(torch.randn(8, 4)))
                alive.append(weakref.ref(answer))
                optimizer.zero_grad()
                F.mse_loss(answer, torch.zeros(8, 4)).backward()
                optimizer.step()
                del answer
                kept.append(len(other._watch._trace.operations))
            assert sum(one() is not None for one in alive) <= 6
            assert kept[9] == kept[29]
        assert all(one() is None for one in alive)
    finally:
        gc.enable()


def test_mixing_is_one_for_shuffled_targets_and_none_for_sorted_ones():
    draw = np.random.default_rng(0)
    labels, numbers = draw.integers(0, 5, 4000), draw.normal(size=4000)
    for values, kind in ((labels, True), (numbers, False)):
        assert mixing(np.split(values, 1000), kind) == pytest.approx(1, abs=0.05)
        assert mixing(np.split(np.sort(values), 100), kind) < 0.05
        assert np.isnan(mixing(np.split(values, 1000)[:10], kind))  # 30 samples beside the first ones
    assert np.isnan(mixing(np.split(np.ones(400), 10), True))
