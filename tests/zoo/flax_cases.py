"""Flax NNX' part of the zoo: what each sick case is ill with, and what PyTorch's part has that it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.zoo import flax_healthy as healthy
from tests.zoo import flax_healthy_loops as loops
from tests.zoo import flax_sick as sick
from tests.zoo import flax_sick_data as data
from tests.zoo.flax_held import HELD_HEALTHY, HELD_SICK

Case = Callable[[], Any]
"""What makes a `Run` or, where evaluations belong to the illness, a `Recipe`."""

SICK: dict[Case, tuple[str, ...]] = {
    sick.double_softmax: ("double-softmax",),
    sick.double_sigmoid: ("double-softmax",),
    sick.frozen_backbone: ("parameters-frozen",),
    sick.frozen_by_a_mask: ("parameters-frozen",),
    sick.eval_left_on: ("eval-mode-in-training",),
    sick.detached: ("graph-detached",),
    sick.broadcast_by_hand: ("loss-broadcast",),
    sick.broadcast_in_a_logarithm: ("loss-broadcast",),
    sick.negated: ("loss-sign",),
    sick.logarithms_of_the_wrong_sign: ("loss-sign",),
    sick.raw_images: ("inputs-unscaled",),
    sick.twelve_sigmoids: ("vanishing-gradient", "activation-saturating"),
    sick.eight_exponentials: ("activation-explosive",),
    sick.tiny_weights: ("init-small",),
    sick.linear_with_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    sick.rate_too_low: ("learning-rate-low",),
    sick.raw_targets: ("targets-unscaled",),
    sick.softmax_output_for_a_regression: ("output-activation",),
    sick.one_softmax: ("output-activation",),
    sick.decay_too_strong: ("over-regularized",),
    sick.penalty_by_hand: ("over-regularized",),
    sick.zeros: ("init-symmetric",),
    sick.summed: ("loss-reduction",),
    sick.rate_gone: ("schedule-wrong",),
    data.one_softmax_on_bits: ("output-activation",),
    data.few_steps: ("too-few-steps",),
    data.two_sigmoids_for_five_epochs: ("learning-rate-low", "too-few-steps"),
    data.raw_powers: ("inputs-unscaled", "targets-unscaled"),
    data.absolute_error_on_labels: ("loss-target", "optimizer-unsuitable"),
    data.xor_with_absolute_error: ("loss-target", "optimizer-unsuitable"),
    data.miles_at_a_tiny_rate: ("learning-rate-low", "too-few-steps"),
    data.miles_raw: ("inputs-unscaled", "targets-unscaled"),
    data.miles_by_softmax: ("output-activation",),
    data.miles_with_strong_decay: ("over-regularized",),
    data.linear_images_at_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    data.images_to_255: ("inputs-unscaled",),
    data.or_ten_layers_deep: ("vanishing-gradient", "init-small"),
    data.xor_nine_layers_deep: ("vanishing-gradient",),
    data.shuffled_labels: ("labels-unpaired",),
    data.shuffled_labels_by_heart: ("labels-unpaired",),
    data.shuffled_sentences: ("labels-unpaired",),
    data.shuffled_targets: ("labels-unpaired",),
    data.labels_as_quantities: ("loss-target",),
    data.nll_of_scores: ("loss-target",),
    data.nll_of_probabilities: ("loss-target",),
    data.cross_entropy_of_quantities: ("loss-target", "output-activation"),
    data.signed_labels: ("labels-invalid",),
    data.missing_targets: ("labels-invalid",),
    data.one_missing_input: ("nan-origin",),
    data.rare_class_left_out: ("class-imbalance", "too-few-steps"),
    data.validation_not_scaled: ("train-validation-mismatch",),
    data.validation_of_other_classes: ("train-validation-mismatch",),
    data.learned_by_heart: ("overfitting",),
    data.one_straight_line: ("capacity-low",),
    data.one_unit: ("capacity-low",),
    data.whole_data_a_step: ("batch-size", "too-few-steps"),
    data.most_dropped: ("dropout-high",),
    data.norm_of_a_zero: ("nan-origin",),
    data.rate_of_10: ("learning-rate-high",),
    data.adam_at_1: ("learning-rate-high",),
    data.large_weights: ("init-large",),
    data.normalised_alone: ("normalization-batch-of-one",),
    **HELD_SICK,
}
"""A case to the codes of which one must be among the first two findings."""

HEALTHY: tuple[Case, ...] = (
    healthy.relu_mlp, healthy.tanh_mlp, healthy.sigmoid_mlp, healthy.gelu_regression, healthy.linear_probe,
    healthy.frozen_on_purpose, healthy.large_rate_that_works, healthy.small_rate_that_works, healthy.small_batches,
    healthy.unscaled_but_learning, healthy.normalised, healthy.convolution, healthy.residual, healthy.transformer,
    healthy.recurrent, healthy.autoencoder, healthy.logits_of_one_unit, healthy.probabilities_with_bce,
    healthy.probabilities_by_hand, healthy.log_softmax_with_nll, healthy.imbalanced_but_learning, healthy.deep_selu,
    healthy.weight_decay, healthy.cosine_schedule, healthy.summed_with_a_small_rate, healthy.clipped, healthy.by_hand,
    healthy.mae_regression, healthy.leaky, healthy.high_dropout_that_works, healthy.maxout,
    loops.uncompiled, loops.from_state_to_state, loops.accumulated, loops.half_precision, loops.generator,
    loops.two_optimisers, loops.another_head, loops.one_epoch, loops.two_epochs_of_plain_descent, loops.validated,
    loops.noisy_regression, loops.noisy_moons, loops.wine_with_momentum, loops.tumours_of_plain_descent,
    loops.samples_one_by_one, loops.miles, loops.handwriting, loops.tied_weights, loops.two_heads, loops.embedded,
    loops.recurrent_loop, loops.absolute_error_of_waves, *HELD_HEALTHY,
)  # fmt: skip
"""Runs that learn: nothing may be said of them."""

NOT_HERE: dict[str, str] = {
    "no_zero_grad": "a gradient is a value: nothing adds up that nobody adds",
    "plain_list": "a module refuses a plain list that holds layers",
    "head_replaced": "the optimiser is handed the parameters at every update, and moves a new head too",
    "head_replaced_in_between": "as head_replaced",
    "encoder_without_gradients": "as data_in_forward",
    "through_numpy": "a function that is traced does not leave for NumPy",
    "loss_made_anew": "a gradient is taken of the function itself, and of nothing made from its value",
    "optimiser_of_another_model": "the optimiser is handed the model at every update",
    "viewed_for_transposed": "optax takes the classes on the last axis, as layers answer them",
    "data_in_forward": "stop_gradient is the one way, which `detached` takes",
    "broadcast": "optax refuses answers and targets of unlike shapes",
}
"""A case of PyTorch's zoo to why Flax NNX cannot express it."""

DAILY: frozenset[Case] = frozenset(
    {
        *{codes[0]: case for case, codes in reversed(SICK.items())}.values(),
        healthy.relu_mlp, healthy.frozen_on_purpose, healthy.normalised, healthy.convolution, healthy.recurrent,
        healthy.cosine_schedule, healthy.clipped, loops.uncompiled, loops.from_state_to_state, loops.accumulated,
        loops.half_precision, loops.two_optimisers, loops.embedded, data.one_missing_input,
        sick.penalty_by_hand, *HELD_HEALTHY,
    }
)  # fmt: skip
"""What is run every day: of each code the first case, and of healthy ones each kind of loop and some networks."""
