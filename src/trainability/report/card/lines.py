"""Initialiser lines to copy into PyTorch, Keras and JAX."""

from __future__ import annotations

from dataclasses import dataclass

from trainability.theory import CriticalPoint


@dataclass(frozen=True)
class Lines:
    """Lines of code for one library, imports included.

    Attributes:
        library: its name.
        code: of PyTorch they initialise `layer`, a linear or convolutional one; of Keras and JAX they make the
            initialisers `kernel` and `bias`.
    """

    library: str
    code: tuple[str, ...]


def lines(point: CriticalPoint | None, gain: float) -> tuple[Lines, ...]:
    """The initialisation at a critical point, or with `gain` and without biases where there is none."""
    sigma_w, sigma_b = (point.sigma_w, point.sigma_b) if point else (gain, 0.0)
    w, w2, b = f"{sigma_w:.8g}", f"{sigma_w**2:.8g}", f"{sigma_b:.8g}"
    return (
        Lines("PyTorch", (
            "import torch",
            f"torch.nn.init.normal_(layer.weight, std={w} * layer.weight[0].numel() ** -0.5)",
            f"torch.nn.init.normal_(layer.bias, std={b})" if sigma_b else "torch.nn.init.zeros_(layer.bias)",
        )),
        Lines("Keras", (
            "import keras",
            "seed = keras.random.SeedGenerator()  # without it every layer of a size starts alike",
            f'kernel = keras.initializers.VarianceScaling({w2}, "fan_in", "untruncated_normal", seed)',
            f"bias = keras.initializers.RandomNormal(stddev={b}, seed=seed)" if sigma_b
            else "bias = keras.initializers.Zeros()",
        )),
        Lines("JAX", (
            "import jax",
            f'kernel = jax.nn.initializers.variance_scaling({w2}, "fan_in", "normal")',
            f"bias = jax.nn.initializers.normal({b})" if sigma_b else "bias = jax.nn.initializers.zeros",
        )),
    )  # fmt: skip
