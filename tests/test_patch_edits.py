"""Edits to the byte, each beside what it must not touch."""

from __future__ import annotations

import pytest

from tests.patched import applied
from trainability.core.operation import Operation
from trainability.treatment.patch import patch

TAKES = "o = torch.optim.SGD(m.parameters(), "
SGD = "import torch\nm = torch.nn.Linear(1, 1)\n"


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (("rate", 10.0), f"LR = 0.1\n{TAKES}LR)", f"LR = 1.0\n{TAKES}LR)"),
        (
            ("rate", 10.0),
            "LR = 0.1\no = torch.optim.SGD(m.parameters(), LR)\nother(LR)",
            "LR = 0.1\no = torch.optim.SGD(m.parameters(), LR * 10)\nother(LR)",
        ),
        (
            ("rate", 0.1),
            "print('ä€😀'); o = torch.optim.SGD(m.parameters(), (0.1))  # ß",
            "print('ä€😀'); o = torch.optim.SGD(m.parameters(), (0.01))  # ß",
        ),
        (
            ("decay", 0.0),
            "o = torch.optim.SGD(\n    m.parameters(),  # p\n    weight_decay=0.1,  # d\n    lr=1,\n)",
            "o = torch.optim.SGD(\n    m.parameters(),  # p\n    lr=1,\n)",
        ),
        (("decay", 0.0), f"{TAKES}weight_decay=0.1, lr=1)", f"{TAKES}lr=1)"),
    ],
)
def test_only_the_place_changes(operation: tuple[str, float], before: str, after: str):
    found = patch(SGD + before + "\n", "train.py", [Operation(*operation)], "torch")
    assert applied(found.diff, SGD + before + "\n") == SGD + after + "\n"


def test_a_loss_loses_its_own_reduction():
    source = (
        "from torch import nn, optim\nfrom trainability import Recipe\n\n\ndef recipe(seed):\n"
        "    m = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())\n    o = optim.SGD(m.parameters(), 0.1)\n"
        '    return Recipe(m, nn.BCELoss(reduction="sum"), o, data, data, 1, 1)\n'
    )
    found = patch(source, "recipe.py", [Operation("output", "fit")], "torch", "recipe")
    expected = source.replace(", nn.Sigmoid()", "").replace('BCELoss(reduction="sum")', "BCEWithLogitsLoss()")
    assert applied(found.diff, source) == expected


def test_a_rate_follows_its_optimiser_into_lines():
    source = SGD + "o = torch.optim.SGD(lr=0.1, params=m.parameters())\n"
    assert patch(source, "train.py", [Operation("rate", 10.0)], "torch").diff
    assert not patch(source, "train.py", [Operation("rate", 10.0), Operation("optimizer", "adam")], "torch").diff
