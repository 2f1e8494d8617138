"""What is wrong lies in the data, the loss or the time that is given."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import make_blobs, make_classification
from torch import nn

from tests.zoo.files import CARS, IMAGES, needs
from tests.zoo.torch_run import Batch, Run, adam, cars, circles, digits, images, line, mlp, simple


def bits() -> Batch:
    """Samples of 128 inputs that are all 1 or all 0, and which of the two."""
    y = torch.tensor(np.random.default_rng(0).integers(0, 2, (512, 1)), dtype=torch.float32)
    return y.repeat(1, 128), y


def xor() -> Batch:
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, torch.tensor([[0.0], [1.0], [1.0], [0.0]])


def one_softmax_on_bits() -> Run:
    model = nn.Sequential(
        nn.Linear(128, 50), nn.ReLU(), nn.Dropout(0.2), nn.Linear(50, 50), nn.ReLU(), nn.Dropout(0.2), nn.Linear(50, 1),
        nn.Softmax(-1),
    )  # fmt: skip
    return Run(model, torch.optim.RMSprop(model.parameters(), 1e-3), bits(), nn.BCELoss())


def two_sigmoids_for_five_epochs() -> Run:
    r = np.random.default_rng(0)
    y = r.integers(0, 2, 1000)
    x = torch.tensor(r.random((1000, 2)) + y[:, None], dtype=torch.float32)
    model = mlp(2, 2, 2, activation=nn.Sigmoid)
    return simple(model, (x, torch.tensor(y)), nn.CrossEntropyLoss(), rate=1e-3, steps=5 * 32)


def raw_powers() -> Run:
    x = torch.linspace(-100, 100, 512)[:, None]
    model = nn.Sequential(nn.Linear(1, 50), nn.Sigmoid(), nn.Linear(50, 50), nn.ELU(), nn.Linear(50, 1))
    return simple(model, (x, x**4), nn.MSELoss(), rate=1e-3)


def xor_with_absolute_error() -> Run:
    model = mlp(2, 4, 1, activation=nn.Sigmoid, last=nn.Sigmoid())
    return Run(model, torch.optim.SGD(model.parameters(), 0.05), xor(), nn.L1Loss(), steps=1000, batch=4)


def _miles(rate: float = 1e-3, decay: float = 1e-5, scaled: bool = True, last: nn.Module | None = None) -> Run:
    model = mlp(9, 64, 64, 1, last=last)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    optimizer = torch.optim.Adam(model.parameters(), rate, weight_decay=decay)
    return Run(model, optimizer, cars(scaled), nn.MSELoss(), steps=1000)


@needs(CARS)
def miles_at_a_tiny_rate() -> Run:
    return _miles(rate=1e-5)


@needs(CARS)
def miles_raw() -> Run:
    return _miles(scaled=False)


@needs(CARS)
def miles_by_softmax() -> Run:
    return _miles(last=nn.Softmax(-1))


@needs(CARS)
def miles_with_strong_decay() -> Run:
    return _miles(decay=1.0)


@needs(IMAGES)
def linear_images_at_a_rate_of_3() -> Run:
    x, y = images()
    model = mlp(784, 64, 10, activation=nn.Identity)
    target = nn.functional.one_hot(y).float()
    return Run(model, torch.optim.SGD(model.parameters(), 3.0), (x, target), nn.MSELoss())


@needs(IMAGES)
def images_to_255() -> Run:
    x, y = images(1.0)
    model = mlp(784, 64, 64, 10, activation=nn.Sigmoid)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1), (x, y), nn.CrossEntropyLoss())


def or_ten_layers_deep() -> Run:
    x, _ = xor()
    y = x.amax(1, keepdim=True)
    model = mlp(2, *[2] * 12, 1, activation=nn.Sigmoid, last=nn.Sigmoid())
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.05, 0.05)
    return simple(model, (x, y), nn.MSELoss(), rate=1e-3, batch=1, steps=800)


def xor_nine_layers_deep() -> Run:
    model = mlp(2, *[5] * 9, 1, activation=nn.Sigmoid, last=nn.Sigmoid())
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -1, 1)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1), xor(), nn.BCELoss(), steps=1000, batch=4)


def shuffled_labels() -> Run:
    x, y = digits()
    return simple(mlp(64, 32, 10), (x, y[torch.randperm(len(y))]), nn.CrossEntropyLoss())


def shuffled_labels_by_heart() -> Run:
    x, y = digits()
    y = y[torch.randperm(len(y))]
    run = simple(mlp(64, 512, 10), (x[:200], y[:200]), nn.CrossEntropyLoss(), rate=3e-3, steps=800)
    run.validation = x[200:500], y[200:500]
    return run


def shuffled_targets() -> Run:
    x, y = line()
    return simple(mlp(4, 32, 1), (x, y[torch.randperm(len(y))]), nn.MSELoss(), rate=1e-3)


class _Reader(nn.Module):
    """Names of ten kinds, read one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.reader, self.last = nn.Embedding(10, 8), nn.GRU(8, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.reader(self.embedding(x))[0][:, -1])


def shuffled_sentences() -> Run:
    draw = np.random.default_rng(0)
    names = draw.integers(0, 10, (600, 8))
    holds_a_nine = (names == 9).any(1).astype(np.int64)
    x, y = torch.from_numpy(draw.permutation(names)), torch.from_numpy(holds_a_nine)
    return simple(_Reader(), (x, y), nn.CrossEntropyLoss(), steps=150)


def absolute_error_on_labels() -> Run:
    x, y = circles()
    model = mlp(2, 8, 1, activation=nn.Sigmoid, last=nn.Sigmoid())
    return Run(model, torch.optim.SGD(model.parameters(), 0.05), (x, (y[:, None] * 1.0)), nn.L1Loss(), steps=500)


def labels_as_quantities() -> Run:
    x, y = digits()
    return Run(m := mlp(64, 16, 1), torch.optim.SGD(m.parameters(), 1e-3), (x, y[:, None] * 1.0), nn.MSELoss())


def nll_of_scores() -> Run:
    return simple(mlp(64, 32, 10), digits(), nn.NLLLoss(), rate=1e-3)


def nll_of_probabilities() -> Run:
    return simple(mlp(64, 32, 10, last=nn.Softmax(-1)), digits(), nn.NLLLoss(), rate=1e-3)


def cross_entropy_of_quantities() -> Run:
    x, y = line()
    return simple(mlp(4, 32, 1), (x, y), nn.CrossEntropyLoss())


def signed_labels() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 1), (x, 2.0 * y[:, None] - 1), nn.BCEWithLogitsLoss())


def missing_targets() -> Run:
    x, y = line()
    y[::50] = torch.nan
    return simple(mlp(4, 32, 1), (x, y), nn.MSELoss())


def rare_class_left_out() -> Run:
    x, y = make_classification(2000, 20, n_informative=4, weights=[0.97], class_sep=0.8, flip_y=0, random_state=0)
    model = mlp(20, 16, 2)
    data = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    return simple(model, data, nn.CrossEntropyLoss(), rate=1e-3, batch=64, steps=150)


def validation_not_scaled() -> Run:
    x, y = digits()
    run = simple(mlp(64, 32, 10), (x[:1400], y[:1400]), nn.CrossEntropyLoss(), rate=3e-3)
    run.validation = x[1400:] * 255, y[1400:]
    return run


def validation_of_other_classes() -> Run:
    x, y = digits()
    order = torch.argsort(y)
    x, y = x[order], y[order]
    run = simple(mlp(64, 32, 10), (x[:1200], y[:1200]), nn.CrossEntropyLoss(), rate=3e-3)
    run.validation = x[1200:], y[1200:]
    return run


def learned_by_heart() -> Run:
    x, y = make_classification(260, 40, n_informative=4, class_sep=0.5, flip_y=0.25, random_state=1)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    run = simple(mlp(40, 256, 256, 2), (x[:60], y[:60]), nn.CrossEntropyLoss(), rate=3e-3, steps=400)
    run.validation = x[60:], y[60:]
    return run


def one_straight_line() -> Run:
    return simple(mlp(2, 2), circles(), nn.CrossEntropyLoss())


def one_unit() -> Run:
    return simple(mlp(64, 1, 32, 10, activation=nn.Tanh), digits(), nn.CrossEntropyLoss(), steps=600)


def whole_data_a_step() -> Run:
    x, y = digits()
    model = mlp(64, 32, 10)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1), (x, y), nn.CrossEntropyLoss(), steps=20, batch=1797)


def few_steps() -> Run:
    x, y = make_blobs(1000, centers=4, random_state=0)
    x = (x - x.mean(0)) / x.std(0)
    model = mlp(2, 32, 4)
    data = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    return Run(model, torch.optim.SGD(model.parameters(), 0.03), data, nn.CrossEntropyLoss(), steps=31)


def most_dropped() -> Run:
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.95), nn.Linear(32, 10))
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=1e-3)


def norm_of_a_zero() -> Run:
    """The slope of √ at 0 is infinite, although the loss itself is a number."""
    x, y = line()
    x[:64] = 0
    model = mlp(4, 16, 1)

    def forward(m: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        return m(rows) + 0.1 * ((m[0](rows) - m[0].bias).square().sum(-1, keepdim=True)).sqrt()  # pyright: ignore

    return Run(model, adam(model, 1e-3), (x, y), nn.MSELoss(), forward=forward)


def rate_of_10() -> Run:
    model = mlp(64, 64, 64, 10)
    return Run(model, torch.optim.SGD(model.parameters(), 10.0), digits(), nn.CrossEntropyLoss())


def adam_at_1() -> Run:
    return simple(mlp(64, 64, 64, 10), digits(), nn.CrossEntropyLoss(), rate=1.0)


def large_weights() -> Run:
    model = mlp(64, 64, 64, 10, activation=nn.Tanh)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 3)
    return Run(model, torch.optim.SGD(model.parameters(), 0.01), digits(), nn.CrossEntropyLoss())


def normalised_alone() -> Run:
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 8), nn.BatchNorm2d(8, momentum=0.1), nn.ReLU())
    model = nn.Sequential(model, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))
    model[0][1] = nn.Conv2d(1, 8, 7)
    return simple(model, digits(), nn.CrossEntropyLoss(), batch=1, rate=1e-3)


SICK_DATA = {
    one_softmax_on_bits: ("output-activation",),
    two_sigmoids_for_five_epochs: ("learning-rate-low", "too-few-steps"),
    raw_powers: ("inputs-unscaled", "targets-unscaled"),
    xor_with_absolute_error: ("loss-target", "optimizer-unsuitable"),
    miles_at_a_tiny_rate: ("learning-rate-low", "too-few-steps"),
    miles_raw: ("inputs-unscaled", "targets-unscaled"),
    miles_by_softmax: ("output-activation",),
    miles_with_strong_decay: ("over-regularized",),
    linear_images_at_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    images_to_255: ("inputs-unscaled",),
    or_ten_layers_deep: ("vanishing-gradient", "init-small"),
    xor_nine_layers_deep: ("vanishing-gradient",),
    shuffled_labels: ("labels-unpaired",),
    shuffled_labels_by_heart: ("labels-unpaired",),
    shuffled_sentences: ("labels-unpaired",),
    shuffled_targets: ("labels-unpaired",),
    absolute_error_on_labels: ("loss-target", "optimizer-unsuitable"),
    labels_as_quantities: ("loss-target",),
    nll_of_scores: ("loss-target",),
    nll_of_probabilities: ("loss-target",),
    cross_entropy_of_quantities: ("loss-target", "output-activation"),
    signed_labels: ("labels-invalid",),
    missing_targets: ("labels-invalid",),
    rare_class_left_out: ("class-imbalance", "too-few-steps"),
    validation_not_scaled: ("train-validation-mismatch",),
    validation_of_other_classes: ("train-validation-mismatch",),
    learned_by_heart: ("overfitting",),
    one_straight_line: ("capacity-low",),
    one_unit: ("capacity-low",),
    whole_data_a_step: ("batch-size", "too-few-steps"),
    few_steps: ("too-few-steps",),
    most_dropped: ("dropout-high",),
    norm_of_a_zero: ("nan-origin",),
    rate_of_10: ("learning-rate-high",),
    adam_at_1: ("learning-rate-high",),
    large_weights: ("init-large",),
    normalised_alone: ("normalization-batch-of-one",),
}  # fmt: skip
