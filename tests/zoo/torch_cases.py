"""PyTorch's part of the zoo: what each sick case is ill with."""

from __future__ import annotations

from collections.abc import Callable

from tests.zoo.torch_held import HELD_SICK
from tests.zoo.torch_run import Run
from tests.zoo.torch_sick import (
    broadcast,
    broadcast_by_hand,
    broadcast_in_a_logarithm,
    data_in_forward,
    decay_too_strong,
    detached,
    double_sigmoid,
    double_softmax,
    eight_exponentials,
    eval_left_on,
    frozen_backbone,
    head_replaced,
    head_replaced_in_between,
    linear_with_a_rate_of_3,
    logarithms_of_the_wrong_sign,
    negated,
    no_zero_grad,
    one_softmax,
    penalty_by_hand,
    plain_list,
    rate_gone,
    rate_too_low,
    raw_images,
    raw_targets,
    softmax_output_for_a_regression,
    summed,
    tiny_weights,
    twelve_sigmoids,
    zeros,
)
from tests.zoo.torch_sick_data import SICK_DATA

SICK: dict[Callable[[], Run], tuple[str, ...]] = {
    **SICK_DATA,
    **HELD_SICK,
    double_softmax: ("double-softmax",),
    double_sigmoid: ("double-softmax",),
    no_zero_grad: ("zero-grad-missing",),
    plain_list: ("parameters-not-optimized",),
    frozen_backbone: ("parameters-frozen",),
    head_replaced: ("parameters-not-optimized",),
    head_replaced_in_between: ("parameters-not-optimized",),
    eval_left_on: ("eval-mode-in-training",),
    detached: ("graph-detached",),
    data_in_forward: ("graph-detached",),
    broadcast: ("loss-broadcast",),
    broadcast_by_hand: ("loss-broadcast",),
    broadcast_in_a_logarithm: ("loss-broadcast",),
    logarithms_of_the_wrong_sign: ("loss-sign",),
    raw_images: ("inputs-unscaled",),
    twelve_sigmoids: ("vanishing-gradient", "activation-saturating"),
    eight_exponentials: ("activation-explosive",),
    tiny_weights: ("init-small",),
    linear_with_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    rate_too_low: ("learning-rate-low",),
    raw_targets: ("targets-unscaled",),
    softmax_output_for_a_regression: ("output-activation",),
    one_softmax: ("output-activation",),
    decay_too_strong: ("over-regularized",),
    penalty_by_hand: ("over-regularized",),
    negated: ("loss-sign",),
    zeros: ("init-symmetric",),
    summed: ("loss-reduction",),
    rate_gone: ("schedule-wrong",),
}
"""A case to the codes of which one must be among the first two findings."""
