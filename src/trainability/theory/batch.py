"""Gradients of a loss over a batch, in which those of the samples partly cancel.

In wide layers the mean square of a weight's gradient is 1/B² Σ_ab g_a·g_b D_ab H_ab over pairs of samples. H, the mean
product of what two samples feed the layer, follows the correlation map from the data's own. D, the mean product of what
comes back, is multiplied by σ_w² E[φ′(u_a)φ′(u_b)] in each layer. g, the loss's derivative by the outputs, is taken
over draws of them: they are normal, with the covariance that the way forward ends at, and independent of D and H.
S. Schoenholz et al., Deep information propagation, ICLR 2017; A. Jacot et al., Neural tangent kernel, NeurIPS 2018.

Where layers are narrow, H and D scatter from network to network, too, and with them how far samples cancel: that is
left out, but for what scatter does to the median. Of large data, 64 samples spread evenly over the targets stand for
the others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core.catalogue import Choice
from trainability.core.errors import SpecError
from trainability.core.records import vital_rows
from trainability.core.types import Dataset
from trainability.losses import Loss
from trainability.normalization import EPSILON
from trainability.theory.functions import Phi, resolve
from trainability.theory.pairs import Pairs, pairs
from trainability.theory.propagation import Layer

MOST_SAMPLES = 64
_DRAWS, _LEAST_DRAWS = 512, 64


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples that a gradient is summed over.

    Attributes:
        gram, mean: mean products of two samples' features, shape (n, n), and mean feature, shape (n,).
        outputs: units of the last layer.
        slope: from outputs, shape (draws, n, outputs), to the loss's derivative by them.
        samples: those of the batch; the n stand for them.
    """

    gram: np.ndarray
    mean: np.ndarray
    outputs: int
    slope: Callable[[np.ndarray], np.ndarray]
    samples: int


@dataclass(frozen=True)
class BatchGradient:
    """Per layer, the output layer last: the gradient's root mean square over the last layer's.

    Attributes:
        gradient: root of the ratio of mean squares over networks. median: of the ratio over networks.
        log_variance: of the ratio's logarithm between networks.
        relative: per hidden layer, what `Expectations.slope_scatter` is for one sample.
    """

    gradient: tuple[float, ...]
    median: tuple[float, ...]
    log_variance: tuple[float, ...]
    relative: tuple[float, ...]


def batch_of(data: Dataset, loss: Choice[Loss], output: str | None = None) -> Batch | None:
    """The samples on which vital signs are measured; None for one sample, or outputs that are no function of one unit.

    Args:
        output: what the last layer applies; by default what goes with the loss.

    Raises:
        SpecError: the loss does not fit the data or the output.
    """
    loss.entry.check(data, output or "")
    last = output or loss.entry.default_output(data.task)
    rows = vital_rows(len(data.x_train))
    x, y = data.x_train[rows], loss.entry.encode(data, data.y_train[rows])
    if len(x) < 2:
        return None
    try:
        answer = resolve(last)
    except SpecError:
        return None
    if not isinstance(answer, Phi):
        return None
    picked = np.lexsort(y.T[::-1])
    if len(x) > MOST_SAMPLES:
        picked = picked[((np.arange(MOST_SAMPLES) + 0.5) * len(x) / MOST_SAMPLES).astype(int)]
    samples, x, y = len(x), x[picked], y[picked]

    def slope(z: np.ndarray) -> np.ndarray:
        return loss.entry.slope(answer.value(z), y, *loss.values) * answer.slope(z)

    return Batch(x @ x.T / x.shape[1], x.mean(axis=1), y.shape[1], slope, samples)


def propagate_batch(
    phi: Phi,
    layers: Sequence[Layer],
    batch: Batch,
    *,
    normalized: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
) -> BatchGradient | None:
    """Forward and back through `layers`, the output layer last; arguments as of `propagation.propagate`.

    Returns:
        None where an expectation is not finite.
    """
    gram, mean = batch.gram, batch.mean
    fed, states, covariances, crossed, joins = [], [], [], [], []
    last = _Last(phi)
    for layer in layers[:-1]:
        covariance = layer.fan_in * layer.weight_variance * gram + layer.bias_variance
        deviation = np.sqrt(np.diagonal(covariance) + EPSILON)
        covariances.append(np.outer(deviation, deviation))
        states.append(covariance / covariances[-1] if normalized else covariance)
        found = last.at(states[-1])
        fed.append(gram)
        crossed.append(_dropped(found.slope, dropout))
        joins.append(residual and layer.fan_in == layer.fan_out)
        answer = _dropped(found.product, dropout)
        if joins[-1]:
            answer += gram + np.outer(mean, found.mean) + np.outer(found.mean, mean)
        gram, mean = answer, found.mean + mean if joins[-1] else found.mean
    fed.append(gram)
    final = layers[-1]
    covariance = final.fan_in * final.weight_variance * gram + final.bias_variance
    if not np.isfinite(covariance).all():
        return None

    back, skipped = np.ones_like(gram), np.zeros_like(gram)
    products = [gram]
    for place in reversed(range(len(layers) - 1)):
        following = layers[place + 1]
        arriving = following.fan_out * following.weight_variance * back + skipped
        back = crossed[place] * arriving / (covariances[place] if normalized else 1.0)
        skipped = arriving if joins[place] else np.zeros_like(gram)
        products.insert(0, back * fed[place])
    if not np.isfinite(products).all():
        return None
    share = len(gram) / batch.samples
    slopes = _output_slopes(covariance, batch)
    found = _over_networks(np.stack([_of_all(product, share) for product in products]), slopes)
    flat = slopes.reshape(-1, len(gram))
    first = flat.T @ flat * products[0]
    with np.errstate(all="ignore"):
        weights = [_of_all(np.where(slope != 0, first / slope, 0.0), share) for slope in crossed]
    relative = [_relative(phi, state, weight) for state, weight in zip(states, weights, strict=True)]
    return BatchGradient(*(tuple(np.asarray(column).tolist()) for column in (*found, relative)))


def _output_slopes(covariance: np.ndarray, batch: Batch) -> np.ndarray:
    """The loss's derivative by normal outputs of that covariance, (draws, outputs, n)."""
    outward = _normal(batch.outputs, len(covariance)) @ _root(covariance).T
    return np.swapaxes(batch.slope(np.swapaxes(outward, 1, 2)), 1, 2)


def _over_networks(products: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first fields of `BatchGradient`, of the sums g_a·g_b products_ab of each layer, over draws g."""
    flat = slopes.reshape(-1, slopes.shape[-1])
    scale = products.max(axis=(1, 2), keepdims=True)  # so that no square underflows
    scale = np.where(scale > 0, scale, 1.0)
    sums = np.einsum("lsa,sa->ls", flat @ (products / scale), flat).reshape(len(products), len(slopes), -1).sum(axis=-1)
    sums = np.maximum(sums, 0.0)
    means, usable = sums.mean(axis=1), sums[-1] > 0
    scales = np.sqrt(scale[:, 0, 0] / scale[-1, 0, 0])
    if not usable.any():
        nothing = np.append(np.zeros(len(products) - 1), 1.0)
        return nothing, nothing, np.zeros(len(products))
    ratio = np.sqrt(sums[:, usable] / sums[-1, usable]) * scales[:, None]
    log = np.log(np.where(ratio > 0, ratio, 1.0))
    return np.sqrt(means / means[-1]) * scales, np.median(ratio, axis=1), log.var(axis=1)


def _relative(phi: Phi, covariance: np.ndarray, weight: np.ndarray) -> float:
    """n times the relative variance of a layer's factor Σ_ab weight_ab φ′(u_a)φ′(u_b) g_a g_b, g normal.

    Over drawn units; the samples' g count as one, as they do for one sample.
    """
    units = _normal(1, len(covariance))[:, 0] @ _root(covariance).T
    with np.errstate(all="ignore"):
        slope = phi.slope(units)
        factor = np.maximum(((slope @ weight) * slope).sum(axis=1), 0.0)
        mean = factor.mean()
        return float(3 * np.square(factor / mean).mean() - 1) if mean > 0 else math.inf


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


class _Last:
    """`pairs`, which deep layers that have settled take from the layer before."""

    def __init__(self, phi: Phi):
        self.phi = phi
        self.covariance: np.ndarray | None = None
        self.found: Pairs | None = None

    def at(self, covariance: np.ndarray) -> Pairs:
        before = self.covariance
        if self.found is None or before is None or not np.allclose(covariance, before, rtol=1e-13, atol=0):
            self.covariance, self.found = covariance, pairs(self.phi, covariance)
        return self.found


def _dropped(products: np.ndarray, dropout: float) -> np.ndarray:
    """Two samples drop different units; of one sample the others are scaled up."""
    return products * np.where(np.eye(len(products), dtype=bool), 1 / (1 - dropout), 1.0)


def _of_all(products: np.ndarray, share: float) -> np.ndarray:
    """`products`, a sample with itself replaced by what it is with those that it stands for: itself and its like."""
    if share == 1:
        return products
    beside = np.diagonal(products, 1)
    like = 0.5 * (np.append(beside, beside[-1]) + np.insert(beside, 0, beside[0]))
    made = products.copy()
    np.fill_diagonal(made, share * np.diagonal(products) + (1 - share) * like)
    return made


@functools.lru_cache(maxsize=16)
def _normal(outputs: int, samples: int) -> np.ndarray:
    """Standard normal draws, (draws, outputs, samples), always the same."""
    draws = max(_LEAST_DRAWS, math.ceil(_DRAWS / outputs))
    return np.random.default_rng(0).normal(size=(draws, outputs, samples))
