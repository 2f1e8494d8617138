"""`init_`: what it draws in PyTorch, Keras and JAX has the variance that theory asks for."""

from __future__ import annotations

import math
import sys
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch
from flax import nnx
from torch.nn.utils import prune

import trainability
from trainability import theory
from trainability.core.errors import UsageError
from trainability.theory.phases import recommended

WIDE = 400
_LINEAR = torch.nn.Linear(3, 3)


def _deviations(activation: str) -> tuple[float, float]:
    point = recommended(activation)
    return point.sigma_w, point.sigma_b


@pytest.mark.parametrize("draw", ["normal", "uniform", "truncated_normal", "orthogonal"])
@pytest.mark.parametrize("activation", ["gelu", "tanh"])
def test_torch_modules_get_the_critical_variance(activation: str, draw):
    module = torch.nn.Sequential(
        torch.nn.Linear(WIDE, WIDE), torch.nn.Linear(100, WIDE, bias=False), torch.nn.Conv2d(32, 64, 3),
        torch.nn.Conv1d(64, 128, 5, groups=2), torch.nn.ConvTranspose2d(64, 32, 4, stride=2), torch.nn.ReLU(),
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    assert trainability.init_("torch", module, activation=activation, draw=draw, generator=generator) is module
    sigma_w, sigma_b = _deviations(activation)
    fans = [WIDE, 100, 32 * 9, 32 * 5, 64 * 4]
    for layer, fan_in in zip(list(module)[:5], fans, strict=True):
        assert float(layer.weight.detach().std()) == pytest.approx(sigma_w / math.sqrt(fan_in), rel=0.03)  # pyright: ignore
    bias = module[0].bias.detach()  # pyright: ignore
    assert float(bias.std()) == pytest.approx(sigma_b, rel=0.12, abs=1e-12)
    again = torch.nn.Linear(WIDE, WIDE)
    trainability.init_("torch", again, activation=activation, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.weight, module[0].weight) == (draw == "normal")  # pyright: ignore


def _deviation(values: Any) -> float:
    return float(np.asarray(values, dtype=np.float32).std())


@pytest.mark.parametrize("draw", ["normal", "truncated_normal", "orthogonal"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_torch_modules_of_other_precisions(dtype: torch.dtype, draw):
    layer = torch.nn.Linear(WIDE, WIDE, dtype=dtype)
    trainability.init_("torch", layer, activation="gelu", draw=draw, seed=0)
    assert layer.weight.dtype == dtype
    assert float(layer.weight.detach().float().std()) == pytest.approx(_deviations("gelu")[0] / 20, rel=0.02)


def test_torch_takes_a_seed_or_a_generator():
    layers = [torch.nn.Linear(8, 8) for _ in range(3)]
    for layer, seed in zip(layers, (3, 3, 4), strict=True):
        trainability.init_("torch", layer, activation="gelu", seed=seed)
    first, same, other = (layer.weight.detach() for layer in layers)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    two = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
    trainability.init_("torch", two, activation="tanh", seed=3)
    assert not torch.equal(two[0].weight, two[1].weight)  # pyright: ignore


def test_torch_weights_behind_a_parametrization():
    normed = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(WIDE, WIDE))
    trainability.init_("torch", normed, activation="tanh", seed=0)
    assert _deviation(normed.weight.detach()) == pytest.approx(1 / 20, rel=0.02)
    pruned = prune.random_unstructured(torch.nn.Linear(8, 8), "weight", 0.5)
    for _ in range(2):  # its weight is made anew at each pass: drawing it would change nothing
        with pytest.raises(UsageError, match="made of other parameters"):
            trainability.init_("torch", pruned, activation="tanh")


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
def test_torch_layers_of_no_unit_and_shared_ones():
    shared = torch.nn.Linear(WIDE, WIDE)
    module = torch.nn.Sequential(shared, torch.nn.LayerNorm(WIDE), shared, torch.nn.Linear(WIDE, 0))
    trainability.init_("torch", module, activation="tanh", draw="orthogonal", seed=0)
    assert _deviation(shared.weight.detach()) == pytest.approx(1 / 20, rel=0.02)
    assert (module[1].weight == 1).all()


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "mish"])
def test_gradients_pass_a_deep_torch_network_only_when_it_is_critical(activation: str):
    """30 layers of width 300: the first layer's gradient over the last one's, by torch's defaults and by init_."""
    function = getattr(torch.nn.functional, activation)

    def ratio(critical: bool) -> float:
        torch.manual_seed(0)
        layers = torch.nn.ModuleList(torch.nn.Linear(300, 300) for _ in range(30))
        if critical:
            trainability.init_("torch", layers, activation=activation)
        h = torch.randn(16, 300)
        for layer in layers:
            h = function(layer(h))
        (h * torch.randn(16, 300)).sum().backward()
        norms = [float(layer.weight.grad.norm()) for layer in layers]  # pyright: ignore
        return norms[0] / norms[-1]

    assert ratio(critical=False) < 1e-4
    assert 0.1 < ratio(critical=True) < 10


def test_keras_gets_initialisers_of_its_own():
    sigma_w, sigma_b = _deviations("gelu")
    for draw in ("normal", "uniform", "truncated_normal", "orthogonal"):
        made = trainability.init_("keras", activation="gelu", draw=draw, seed=0)
        assert isinstance(made, keras.initializers.Initializer)
        again = type(made).from_config(made.get_config())
        for initializer in (made, again):
            values = keras.ops.convert_to_numpy(initializer((WIDE, WIDE)))
            assert values.std() == pytest.approx(sigma_w / math.sqrt(WIDE), rel=0.02)
    dense = keras.layers.Dense(
        WIDE,
        kernel_initializer=trainability.init_("keras", activation="gelu", seed=0),
        bias_initializer=trainability.init_("keras", activation="gelu", part="bias", seed=1),
    )
    dense.build((None, 100))
    kernel, bias = dense.get_weights()
    assert (kernel.std(), bias.std()) == (pytest.approx(sigma_w / 10, rel=0.02), pytest.approx(sigma_b, rel=0.1))
    assert isinstance(trainability.init_("keras", activation="relu", part="bias"), keras.initializers.Zeros)


def test_keras_models_are_initialised_in_place():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(64, 3), keras.layers.Flatten(), keras.layers.Dense(50)]
    )
    assert trainability.init_("keras", model, activation="tanh", seed=3) is model
    kernel, bias, dense, _ = model.get_weights()
    assert kernel.std() == pytest.approx(1 / math.sqrt(27), rel=0.05)
    assert dense.std() == pytest.approx(1 / math.sqrt(dense.shape[0]), rel=0.05)
    assert not bias.any()


_L = keras.layers


@pytest.mark.parametrize("draw", ["normal", "orthogonal"])
@pytest.mark.parametrize(
    ("layer", "shape", "fan_in"),
    [
        (_L.Dense(300, dtype="bfloat16"), (300,), 300),
        (_L.Conv1D(160, 5), (9, 32), 160),
        (_L.Conv2D(144, 3, groups=4), (9, 9, 64), 144),
        (_L.Conv3D(54, 3), (5, 5, 5, 2), 54),
        (_L.DepthwiseConv1D(60, depth_multiplier=2), (99, 30), 60),
        (_L.DepthwiseConv2D(9), (11, 11, 81), 81),
        (_L.Conv1DTranspose(128, 6, strides=3), (9, 64), 128),
        (_L.Conv2DTranspose(64, 4, strides=(2, 1)), (9, 9, 64), 512),
        (_L.EinsumDense("abc,cde->abde", output_shape=(None, 8, 64), bias_axes="de"), (5, 512), 512),
        (_L.EinsumDense("abcd,cde->abe", output_shape=(None, 256)), (5, 16, 16), 256),
        (_L.TimeDistributed(_L.Dense(256)), (5, 256), 256),
    ],
)
def test_keras_layers_get_the_critical_variance(layer: Any, shape: tuple[int, ...], fan_in: int, draw):
    model = keras.Sequential([keras.Input(shape), layer])
    trainability.init_("keras", model, activation="gelu", draw=draw, seed=0)
    sigma_w, sigma_b = _deviations("gelu")
    kernel = getattr(layer, "layer", layer).kernel
    weights = keras.ops.convert_to_numpy(keras.ops.cast(kernel, "float32"))
    share = math.prod(layer.strides) if isinstance(layer, (_L.Conv1DTranspose, _L.Conv2DTranspose)) else 1
    # Orthogonal weights keep lengths, so that those of a layer that widens are smaller.
    wide = weights.size / (fan_in * share) ** 2 if draw == "orthogonal" else 1.0
    assert weights.std() * max(1.0, wide) ** 0.5 == pytest.approx(sigma_w / math.sqrt(fan_in), rel=0.05)
    if getattr(layer, "bias", None) is not None:
        assert _deviation(keras.ops.convert_to_numpy(keras.ops.cast(layer.bias, "float32"))) == pytest.approx(
            sigma_b, rel=0.35
        )


def test_keras_leaves_recurrent_cells_alone_and_does_both_kernels_of_a_separable_layer():
    model = keras.Sequential(
        [keras.Input((9, 64)), _L.SeparableConv1D(256, 16, padding="same"), _L.LSTM(8), _L.Dense(4)]
    )
    recurrent = [keras.ops.convert_to_numpy(w) for w in model.layers[1].weights]
    trainability.init_("keras", model, activation="tanh", seed=0)
    for before, after in zip(recurrent, model.layers[1].weights, strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(after))
    depthwise, pointwise, _ = model.layers[0].get_weights()
    assert depthwise.std() == pytest.approx(1 / 4, rel=0.05)
    assert pointwise.std() == pytest.approx(1 / 8, rel=0.05)


def test_one_initialiser_serves_every_keras_layer_and_is_saved_with_them(tmp_path):
    kernel = trainability.init_("keras", activation="gelu", seed=1)
    bias = trainability.init_("keras", activation="gelu", part="bias", seed=2)
    drawn = {"kernel_initializer": kernel, "bias_initializer": bias}
    model = keras.Sequential([keras.Input((50,)), _L.Dense(50, "gelu", **drawn), _L.Dense(50, "gelu", **drawn)])
    (first, one), (second, two) = (layer.get_weights() for layer in model.layers)
    assert not np.isclose(first, second).any()
    assert not np.isclose(one, two).any()
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    copied = keras.models.clone_model(model)
    assert copied.layers[1].get_weights()[0].std() == pytest.approx(_deviations("gelu")[0] / math.sqrt(50), rel=0.1)
    again = trainability.init_("keras", activation="gelu", seed=1)((50, 50))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again), first)


@pytest.mark.parametrize("library", ["flax", "jax"])
def test_jax_gets_an_initialiser_function(library: str):
    sigma_w, sigma_b = _deviations("silu")
    for draw in ("normal", "uniform", "truncated_normal", "orthogonal"):
        values = trainability.init_(library, activation="silu", draw=draw)(jax.random.key(0), (WIDE, WIDE))
        assert float(values.std()) == pytest.approx(sigma_w / math.sqrt(WIDE), rel=0.02)
    bias = trainability.init_(library, activation="silu", part="bias")(jax.random.key(1), (WIDE * 10,))
    assert float(bias.std()) == pytest.approx(sigma_b, rel=0.05)


@pytest.mark.parametrize("draw", ["normal", "uniform", "truncated_normal", "orthogonal"])
@pytest.mark.parametrize("activation", ["gelu", "tanh", "glu"])
def test_flax_layers_get_the_critical_variance(activation: str, draw):
    sigma_w, sigma_b = _deviations(activation)
    drawn = {
        "kernel_init": trainability.init_("flax", activation=activation, draw=draw),
        "bias_init": trainability.init_("flax", activation=activation, part="bias"),
        "rngs": nnx.Rngs(0),
    }
    layers = [(nnx.Linear(WIDE, WIDE, **drawn), WIDE)]
    if draw != "orthogonal":  # it makes a layer keep lengths, so that the ones that widen get a smaller variance
        layers += [
            (nnx.Linear(100, 2 * WIDE, **drawn), 100),
            (nnx.Conv(32, 128, (3, 3), **drawn), 32 * 9),
            (nnx.Conv(64, 128, (5,), feature_group_count=2, **drawn), 32 * 5),
            (nnx.LinearGeneral((8, 16), (16, 64), axis=(-2, -1), **drawn), 8 * 16),
        ]
    for layer, fan_in in layers:
        assert float(layer.kernel[...].std()) == pytest.approx(sigma_w / math.sqrt(fan_in), rel=0.03)
        assert float(layer.bias[...].std()) == pytest.approx(sigma_b, rel=0.2, abs=1e-12)


def test_flax_modules_of_other_kinds():
    rngs = nnx.Rngs(0)
    sigma_w, sigma_b = _deviations("gelu")
    half = nnx.Linear(WIDE, WIDE, param_dtype=jnp.bfloat16, rngs=rngs)
    summed = nnx.Einsum("nab,abc->nc", (8, 16, 256), (256,), rngs=rngs)
    model = nnx.Sequential(half, summed, nnx.LSTMCell(8, 8, rngs=rngs))
    recurrent = [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model.layers[2], nnx.Param))]
    trainability.init_("flax", model, activation="gelu", draw="orthogonal", seed=0)
    assert half.kernel[...].dtype == jnp.bfloat16
    assert _deviation(half.kernel[...]) == pytest.approx(sigma_w / 20, rel=0.02)
    assert _deviation(summed.kernel[...]) == pytest.approx(sigma_w / math.sqrt(256), rel=0.02)
    assert _deviation(summed.bias[...]) == pytest.approx(sigma_b, rel=0.2)  # pyright: ignore
    for before, after in zip(recurrent, jax.tree.leaves(nnx.state(model.layers[2], nnx.Param)), strict=True):
        np.testing.assert_array_equal(before, np.asarray(after))


def test_the_other_gain():
    layer = trainability.init_("torch", torch.nn.Linear(WIDE, WIDE), activation="tanh", kind="second_moment")
    assert float(layer.weight.detach().std()) == pytest.approx(theory.gain("tanh") / math.sqrt(WIDE), rel=0.02)
    assert not layer.bias.detach().any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: trainability.init_("tourch", None, activation="relu"), "did you mean 'torch'"),
        (lambda: trainability.init_("torch", activation="relu"), "needs a torch.nn.Module"),
        (lambda: trainability.init_("torch", torch.nn.ReLU(), activation="relu"), "no linear or convolutional layer"),
        (lambda: trainability.init_("torch", torch.nn.LazyLinear(3), activation="relu"), "lazy layer"),
        (lambda: trainability.init_("keras", 3, activation="relu"), "takes a layer or a model"),
        (lambda: trainability.init_("keras", keras.layers.Dense(3), activation="relu"), "no built dense"),
        (lambda: trainability.init_("torch", _LINEAR, activation="relu", generator=3), "must be a torch.Generator"),
        (lambda: trainability.init_("torch", _LINEAR, activation="relu", seed=-1), "seed must be a whole number"),
        (
            lambda: trainability.init_("torch", _LINEAR, activation="relu", seed=1, generator=torch.Generator()),
            "either a generator or a seed",
        ),
        (lambda: trainability.init_("keras", activation="relu", generator=3), "PyTorch's source"),
        (lambda: trainability.init_("jax", activation="relu", seed=3), "take a key"),
        (lambda: trainability.init_("torch", _LINEAR, activation="expr:exp(x*x)"), "no finite value at variance 1"),
        (lambda: trainability.init_("flax", object(), activation="relu"), "kernel_init"),
        (lambda: trainability.init_("jax", activation="relu", draw="cauchy"), "draw must be one of"),  # pyright: ignore
        (lambda: trainability.init_("jax", activation="softplus"), "no critical initialisation"),
        (lambda: trainability.init_("jax", activation="binary_step"), "no critical initialisation"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")
def test_init_refuses_in_words(call, words: str):
    with pytest.raises(UsageError, match=words):
        call()


@pytest.mark.parametrize("library", ["torch", "keras", "jax"])
def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, library: str):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=f"{library} is not installed"):
        trainability.init_(library, activation="relu")
