"""How many answers are exactly 0."""

from __future__ import annotations

import numpy as np

from trainability.adapters.signs import Sign

ZEROS = Sign(
    name="zeros",
    summary="share of the answers that are exactly 0",
    measure=lambda layer: float(np.mean(layer.activation == 0)),
    unit="share",
    healthy="about 0.5 after ReLU, 0 after smooth activations",
    reference="X. Glorot, A. Bordes, Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011",
)
