"""How large the weights are."""

from __future__ import annotations

from trainability.adapters.signs import Sign, rms

WEIGHT_RMS = Sign(
    name="weight_rms",
    summary="root mean square of the weights that made the answers",
    measure=lambda layer: rms(layer.used),
    unit="weight",
    healthy="about 1 / sqrt(fan_in)",
    reference="Y. LeCun et al., Efficient BackProp, 1998",
)
