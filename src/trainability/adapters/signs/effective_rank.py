"""In how many directions the answers to different inputs differ."""

from __future__ import annotations

import math

import numpy as np

from trainability.adapters.signs import Sign


def effective_rank(answers: np.ndarray) -> float:
    """exp of the entropy of the normalised singular values of centred answers (samples, units); 0 for equal answers.

    They come from the smaller product of the answers with themselves, which is several times faster than their own
    decomposition; those under a millionth of the largest, which that cannot tell from 0, count as 0.

    Reference: O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007.
    """
    if len(answers) < 2 or not np.isfinite(answers).all():
        return math.nan
    largest = np.abs(answers).max()
    centred = (answers - answers.mean(axis=0)) / (largest or 1.0)
    products = centred.T @ centred if centred.shape[1] <= centred.shape[0] else centred @ centred.T
    squares = np.linalg.eigvalsh(products)
    if squares[-1] <= 1e-24 * answers.size:
        return 0.0
    values = np.sqrt(squares[squares > 1e-12 * squares[-1]])
    p = values / values.sum()
    return float(np.exp(-np.sum(p * np.log(p))))


EFFECTIVE_RANK = Sign(
    name="effective_rank",
    summary="in how many directions the answers to different inputs differ",
    measure=lambda layer: effective_rank(layer.activation),
    unit="dimensions",
    healthy="above 1; at most the units and the samples less one",
    reference="O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007",
)
