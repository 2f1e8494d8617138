"""How large the gradient is that reaches a layer's answers."""

from __future__ import annotations

import math

from trainability.adapters.signs import Sign, rms

OUTPUT_GRADIENT_RMS = Sign(
    name="output_gradient_rms",
    summary="root mean square of the loss's gradient by the layer's answers before the activation",
    measure=lambda layer: math.nan if layer.answer_gradient is None else rms(layer.answer_gradient),
    unit="loss / answer",
    healthy="within a factor of 10 from the first layer to the last",
    reference="X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010",
)
