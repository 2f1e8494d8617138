"""The reference engine, in JAX: every network of the vocabulary, derivatives by `jax.grad`, `vmap` over trials.

It is plain on purpose: it is the slower twin that keeps a faster engine honest. It runs on a GPU as it is.
"""

from __future__ import annotations

from trainability.engine.reference.run import ReferenceEngine

__all__ = ["ReferenceEngine"]
