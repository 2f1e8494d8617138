"""Keras' part of the zoo: what each sick case is ill with, and which of PyTorch's cases there are not in Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.zoo.keras_healthy import HEALTHY_MODELS
from tests.zoo.keras_healthy_data import HEALTHY_DATA
from tests.zoo.keras_held import HELD_HEALTHY, HELD_SICK
from tests.zoo.keras_loops import HEALTHY_LOOPS, SICK_LOOPS
from tests.zoo.keras_recipes import HEALTHY_RECIPES, SICK_RECIPES
from tests.zoo.keras_sick import SICK_MODELS, penalty_by_hand
from tests.zoo.keras_sick_data import SICK_DATA, one_missing_input, one_missing_target

Case = Callable[..., Any]

RECIPES: frozenset[Case] = frozenset([*SICK_RECIPES, *HEALTHY_RECIPES])
"""Cases that are functions of a seed and give a recipe; the others give a `Run`."""

SICK: dict[Case, tuple[str, ...]] = {**SICK_LOOPS, **SICK_MODELS, **SICK_DATA, **SICK_RECIPES, **HELD_SICK}
"""A case to the codes of which one must be among the first two findings. Those that PyTorch has bear its names."""

HEALTHY: tuple[Case, ...] = (*HEALTHY_LOOPS, *HEALTHY_RECIPES, *HEALTHY_MODELS, *HEALTHY_DATA, *HELD_HEALTHY)

DAILY: frozenset[Case] = frozenset(
    [
        *{SICK[case][0]: case for case in reversed(SICK)}.values(), *SICK_LOOPS, *HEALTHY_LOOPS, *HEALTHY_RECIPES,
        one_missing_input, one_missing_target, penalty_by_hand,
    ]
)  # fmt: skip
"""The first case of each code, those that are found in a way of their own, every way to train and every kind of net;
the others are looked at less often."""

EXCUSED: Final[dict[str, str]] = {
    "plain_list": "Keras knows the layers in a model's lists, tuples and dicts",
    "head_replaced": "Keras' optimiser raises an error for weights that it was not built for",
    "head_replaced_in_between": "the same; a model that is compiled anew, as it must be, is another_head",
    "data_in_forward": "Keras' tensors have no .data; stop_gradient is detached",
    "broadcast": "Keras brings targets to the answers' rank before its own losses; broadcast_by_hand goes round that",
    "nll_of_scores": "Keras has no loss of log-probabilities; its mistake of this kind is scores_as_probabilities",
    "encoder_without_gradients": "stop_gradient is the one way, which `detached` takes",
    "through_numpy": "a step that is compiled or traced does not leave for NumPy",
    "loss_made_anew": "fit takes the gradient itself, of what the loss's function answers",
    "optimiser_of_another_model": "compile builds the optimiser for the model that it is given to",
    "viewed_for_transposed": "Keras' losses take the classes on the last axis, as layers answer them",
    "kernels_of_all_pairs": "a step of one's own, whose losses alone are seen; `two_optimisers` is one",
    "gradient_penalty": "as kernels_of_all_pairs",
    "slow_copy_as_target": "as kernels_of_all_pairs",
    "nll_of_probabilities": "what takes probabilities in Keras is right with them",
}
"""A case of PyTorch to why Keras has none of its name."""
