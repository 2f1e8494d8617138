"""The activations against PyTorch, Keras and JAX: values, gradients, slopes at kinks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.activation_choices import CHOICES, points, resolved
from tests.strict_jax import strict_jax  # noqa: F401 (a fixture: pytest finds it by its name)
from trainability.activations import default_choice, jax_function, kinks, numpy_function, numpy_slope, pieces_of

WRONG = {
    # Its outputs do not sum to 1: the threshold is taken from a sum of cumulative sums (seen in Keras 3.15).
    ("keras", "sparsemax"): pytest.mark.xfail(reason="sparsemax is wrong in Keras", strict=False),
}


def peers(library: str, with_kinks: bool = False) -> pytest.MarkDecorator:
    """Every choice (with kinks) that has a peer in `library` for those very values."""
    found = []
    for choice in CHOICES:
        peer = getattr(choice.entry, library)
        default = default_choice(choice.entry)
        if peer and (choice == default or len(peer.arguments) == len(choice.entry.parameters)):
            found.append((choice, peer))
    if with_kinks:
        found = [(choice, peer) for choice, peer in found if kinks(choice)]
    assert len(found) > 20
    parameters = [pytest.param(*pair, id=pair[0].text, marks=WRONG.get((library, pair[0].text), ())) for pair in found]
    return pytest.mark.parametrize(("choice", "peer"), parameters)


@peers("torch")
def test_values_and_gradients_are_pytorchs(choice, peer):
    import jax
    import jax.numpy as jnp
    import torch

    z = points(choice)
    tensor = torch.tensor(z, requires_grad=True)
    output = resolved(peer)(tensor, **peer.keywords(choice.named))
    np.testing.assert_allclose(numpy_function(choice)(z), output.detach().numpy(), rtol=1e-12, atol=1e-13)
    weights = np.random.default_rng(1).normal(size=output.shape)
    (output * torch.tensor(weights)).sum().backward()
    function = jax_function(choice.entry, pieces_of(choice))
    slope = jax.grad(lambda z: (function(z, choice.values) * weights).sum())(jnp.asarray(z))
    assert tensor.grad is not None
    # torch has the hard sigmoid's slope of 1/6 in single precision.
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=5e-8, atol=1e-12)


@peers("torch", with_kinks=True)
def test_the_slope_at_a_kink_is_pytorchs(choice, peer):
    import jax
    import jax.numpy as jnp
    import torch

    for kink in kinks(choice):
        tensor = torch.tensor([kink], dtype=torch.float64, requires_grad=True)
        resolved(peer)(tensor, **peer.keywords(choice.named)).sum().backward()
        function = jax_function(choice.entry)
        slope = jax.grad(lambda z, f=function: f(z, choice.values).sum())(jnp.array([kink]))
        assert tensor.grad is not None
        assert float(slope[0]) == pytest.approx(float(tensor.grad[0])), f"at {kink}"
        symbolic = numpy_slope(choice)
        assert symbolic is not None
        assert float(symbolic(kink)) == pytest.approx(float(slope[0]))


@peers("keras")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras on PyTorch
def test_values_are_those_of_keras(choice, peer):
    import jax
    import keras

    z = points(choice)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        output = resolved(peer)(keras.ops.convert_to_tensor(z, dtype="float64"), **peer.keywords(choice.named))
        output = keras.ops.convert_to_numpy(output)
    # The tanh of Keras answers in single precision.
    rtol, atol = (1e-12, 1e-13) if output.dtype == np.float64 else (1e-6, 1e-7)
    np.testing.assert_allclose(numpy_function(choice)(z), output, rtol=rtol, atol=atol)


@peers("jax")
def test_values_are_those_of_jax(choice, peer):
    import jax
    import jax.numpy as jnp

    z = points(choice)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        output = resolved(peer)(jnp.asarray(z), **peer.keywords(choice.named))
    np.testing.assert_allclose(numpy_function(choice)(z), output, rtol=1e-12, atol=1e-13)
