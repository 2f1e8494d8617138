"""The same network, the same batches and the same steps in Keras, by its own `train_on_batch`.

Keras must be imported with the PyTorch backend: set ``KERAS_BACKEND`` before anything imports it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import keras
from keras.src.backend.common import dtypes

from tests.peers.torch_twin import one_thread
from tests.peers.trajectory import Trajectory, resolved
from trainability.normalization import EPSILON, MOMENTUM, NORMALIZATIONS

OPTIMIZERS: dict[str, Callable[[dict[str, float]], dict[str, Any]]] = {
    "sgd": lambda v: {},
    "momentum": lambda v: {"momentum": v["momentum"]},
    "nesterov": lambda v: {"momentum": v["momentum"], "nesterov": True},
    "adagrad": lambda v: {"initial_accumulator_value": v["initial"], "epsilon": v["eps"]},
    "adadelta": lambda v: {"rho": v["rho"], "epsilon": v["eps"]},
    # Keras adds epsilon under the root, we to the root.
    "rmsprop": lambda v: {"rho": v["decay"], "epsilon": v["eps"] ** 2},
    # Keras corrects the bias of the root after epsilon, we before: the same where gradients are well above 1e-8.
    "adam": lambda v: {"beta_1": v["b1"], "beta_2": v["b2"], "epsilon": v["eps"]},
    "adamw": lambda v: {"beta_1": v["b1"], "beta_2": v["b2"], "epsilon": v["eps"], "weight_decay": v["decay"]},
    # Keras adds epsilon to the largest gradient, we to each before the largest is taken.
    "adamax": lambda v: {"beta_1": v["b1"], "beta_2": v["b2"], "epsilon": v["eps"]},
    # Keras' weight decay is outside Lamb's trust ratio, the paper's and ours inside; without it they are the same.
    "lamb": lambda v: {"beta_1": v["b1"], "beta_2": v["b2"], "epsilon": v["eps"], "weight_decay": v["decay"] or None},
    "lion": lambda v: {"beta_1": v["b1"], "beta_2": v["b2"], "weight_decay": v["decay"] or None},
}
"""Our parameters to Keras' arguments. Every optimiser with a `keras` name needs its line."""


class Net(keras.Model):
    """The network of a trajectory with its first weights."""

    def __init__(self, ours: Trajectory):
        super().__init__()
        self.ours = ours
        network = ours.program.network
        decayed = keras.regularizers.L1L2(ours.numbers["l1"], ours.numbers["l2"])
        self.dense = [keras.layers.Dense(b, kernel_regularizer=decayed) for _, b in network.widths]
        norm = NORMALIZATIONS[network.norm]
        more = {"momentum": 1.0 - MOMENTUM} if norm.running else {}
        hidden = network.hidden if norm.keras else ()
        self.norm = [resolved(norm.keras)(epsilon=EPSILON, **more) for _ in hidden]
        learned = network.hidden if ours.activation.entry.learned else ()
        self.learned = [keras.layers.PReLU() for _ in learned]
        self(ours.x)  # makes the variables
        for layer, weights, biases in zip(self.dense, ours.initial["weights"], ours.initial["biases"], strict=True):
            layer.set_weights([weights, biases])
        for layer, slopes in zip(self.learned, ours.initial["activation"], strict=True):
            layer.set_weights([slopes[0]])

    def call(self, x: Any, training: bool = False) -> Any:
        for i, dense in enumerate(self.dense[:-1]):
            z = self.norm[i](dense(x), training=training) if self.norm else dense(x)
            answer = self.learned[i](z) if self.learned else _apply(self.ours.activation, z)
            x = x + answer if self.ours.program.network.residual and x.shape == answer.shape else answer
        return _apply(self.ours.output, self.dense[-1](x))

    def parameters_of_ours(self) -> dict[str, Any]:
        """All parameters as our engine returns them."""
        kind = NORMALIZATIONS[self.ours.program.network.norm]
        norms = [layer.get_weights() for layer in self.norm]  # factor, shift, running mean, running variance
        return {
            "weights": [layer.get_weights()[0] for layer in self.dense],
            "biases": [layer.get_weights()[1] for layer in self.dense],
            "factor": [arrays[0] for arrays in norms],
            "shift": [arrays[1] for arrays in norms] if kind.shift else [],
            "activation": [layer.get_weights()[0][None] for layer in self.learned],
            "running": [(arrays[2], arrays[3]) for arrays in norms] if kind.running else [],
        }

    def unbias(self, steps: int) -> None:
        """Turn running variances of `steps` steps from Keras' convention into ours.

        Both are the first 1 times 0.9ⁿ and a sum of the batches' variances; in the sum we take the unbiased ones, as
        PyTorch does, and Keras the biased ones.
        """
        size = self.ours.batches.shape[1]
        first = (1.0 - MOMENTUM) ** steps
        for layer in self.norm:
            variance = layer.moving_variance
            variance.assign(first + (variance - first) * (size / (size - 1)))


@one_thread()
def train(ours: Trajectory) -> tuple[dict[str, Any], list[float]]:
    """The parameters at the end and the loss at every checkpoint of a trajectory."""
    with _precision(ours.program.dtype):
        net = Net(ours)
        loss = _loss(ours)
        net.compile(_optimizer(net, ours), loss, jit_compile=False)
        losses = []
        for step in range(len(ours.batches) + 1):
            if step in ours.marks:
                losses.append(_in_use(net, loss, step))
            if step < len(ours.batches):
                chosen = ours.batches[step]
                net.train_on_batch(ours.x[chosen], ours.y[chosen])
        if NORMALIZATIONS[ours.program.network.norm].running:
            net.unbias(len(ours.batches))
        return net.parameters_of_ours(), losses


def _in_use(net: Net, loss: Any, step: int) -> float:
    """The loss over all samples with our running statistics."""
    running = NORMALIZATIONS[net.ours.program.network.norm].running
    kept = net.get_weights() if running else None
    if running:
        net.unbias(step)
    value = float(keras.ops.convert_to_numpy(loss(net.ours.y, net(net.ours.x, training=False))))
    if running:
        net.set_weights(kept)
    return value


def _optimizer(net: Net, ours: Trajectory) -> Any:
    """Keras' optimiser; our decoupled decay of the weight matrices is Keras' own without the other variables."""
    numbers, choice = ours.numbers, ours.optimizer
    arguments = OPTIMIZERS[choice.entry.name](choice.named)
    if numbers["decay"]:
        arguments["weight_decay"] = numbers["decay"]
    clip = numbers["clip"] or None
    optimizer = resolved(choice.entry.keras)(learning_rate=numbers["rate"], global_clipnorm=clip, **arguments)
    if numbers["decay"]:
        kernels = {id(layer.kernel) for layer in net.dense}
        optimizer.exclude_from_weight_decay([v for v in net.trainable_variables if id(v) not in kernels])
    return optimizer


def _loss(ours: Trajectory) -> Any:
    kind = resolved(ours.loss.entry.keras)
    logits = {"from_logits": True} if "from_logits" in inspect.signature(kind.__init__).parameters else {}
    return kind(**logits, **ours.loss.named)


def _apply(choice: Any, z: Any) -> Any:
    return resolved(choice.entry.keras.path)(z, **choice.entry.keras.keywords(choice.named))


@contextlib.contextmanager
def _precision(dtype: str) -> Iterator[None]:
    """Keras in `dtype` throughout: by itself it computes means and losses of double precision in single precision."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        with mock.patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, {"float64": "float64"}):
            yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)
