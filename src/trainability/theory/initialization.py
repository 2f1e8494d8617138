"""`init_`: critical initialisation in PyTorch, Keras and JAX/Flax, as objects of those libraries."""

from __future__ import annotations

from typing import Any, get_args

from trainability.core.errors import SpecError, UnknownName
from trainability.theory.functions import Activating, whole
from trainability.theory.gains import GainKind, second_moment_gain
from trainability.theory.libraries import flax_modules, keras_layers, torch_modules
from trainability.theory.libraries.draws import Deviations, Draw, Part
from trainability.theory.phases import recommended

_LIBRARIES = {
    "torch": torch_modules.initialize,
    "keras": keras_layers.initialize,
    "flax": flax_modules.initialize,
    "jax": flax_modules.initialize,
}


def init_(
    library: str,
    module: Any = None,
    *,
    activation: Activating,
    kind: GainKind = "critical",
    draw: Draw = "normal",
    part: Part = "weight",
    generator: Any = None,
    seed: int | None = None,
) -> Any:
    """Initialise a model critically, or make the library's own initialiser that does.

    `critical` takes the point of the edge of chaos that a network stays at: without biases where that attracts (tanh,
    ReLU, ELU), else the doubly critical point, whose biases are drawn too (GELU, SiLU, Mish).

    * ``torch``: `module` is a `torch.nn.Module`; its linear and convolutional layers are initialised in place.
    * ``keras``: with a layer or model, the kernels and biases of its dense and convolutional layers are assigned;
    without, a `keras.initializers.Initializer` that draws anew at each call, so that one serves every layer.
    * ``flax`` (or ``jax``): with an `nnx.Module`, the kernels and biases of its linear and convolutional layers are
    assigned; without, an initialiser as those of `jax.nn.initializers`, for ``kernel_init`` or ``bias_init``.

    Recurrent cells are left alone: their activations are their own. Of a kernel that Keras' own initialisers count
    otherwise (depthwise, transposed, of attention) only the first two ways give the right variance.

    Args:
        library: ``torch``, ``keras``, ``flax`` or ``jax``.
        module: what to initialise, where the library can.
        activation: what follows each layer: a catalogue name, a formula or a function of a NumPy array; a softmax and
            its like as `at_width` of their layers.
        kind: ``critical``, or ``second_moment`` (variance 1 is kept, biases are 0).
        draw: the weights' distribution; all have the same variance, but that Keras' and JAX's ``orthogonal`` makes
            layers keep lengths, so that those that widen get a smaller one.
        part: of an initialiser: for the ``weight`` or for the ``bias``.
        generator: PyTorch's source of random numbers. seed: a number instead, for every library; JAX's initialisers
            take a key where they are called.

    Returns:
        `module`, or the initialiser.

    Raises:
        UsageError: the library is not installed or not known, the activation has no such gain, or the module holds
            nothing to initialise.
    """
    if library not in _LIBRARIES:
        raise UnknownName("library", str(library), _LIBRARIES)
    if seed is not None:
        if generator is not None:
            raise SpecError("give either a generator or a seed")
        seed = whole(seed, "seed", 0)
    for value, known, name in ((draw, Draw, "draw"), (part, Part, "part"), (kind, GainKind, "kind")):
        if value not in get_args(known):
            raise SpecError(f"{name} must be one of {', '.join(get_args(known))}, got {value!r}")
    if kind == "critical":
        point = recommended(activation)
        deviations = Deviations(point.sigma_w, point.sigma_b)
    else:
        deviations = Deviations(second_moment_gain(activation), 0.0)
    return _LIBRARIES[library](module, deviations, draw, part, generator, seed)
