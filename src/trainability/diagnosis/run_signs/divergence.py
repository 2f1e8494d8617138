"""How far the loss ends above where it started."""

from __future__ import annotations

from trainability.diagnosis.reading import divergence
from trainability.diagnosis.run_signs import RunSign

DIVERGENCE = RunSign(
    name="divergence",
    summary="the mean loss of the last tenth of the steps over the first step's; infinite once it is not finite",
    measure=divergence,
    unit="times",
    high=1.0,
    healthy="under 1; over 3 it has diverged",
    reference="Y. Bengio, Practical recommendations for gradient-based training of deep architectures, "
    "arXiv:1206.5533 (2012), section 3.1.1",
)
