"""The lanes engine: many small networks side by side in the lanes of vector registers, in C++.

The kernel is in `native/`; `network.hpp` is where backpropagation is written out. Where it was not built, or the
processor has none of its instruction sets, `unavailable` says why and the reference engine runs instead.
"""

from __future__ import annotations

from trainability.engine.lanes.coverage import missing
from trainability.engine.lanes.library import unavailable
from trainability.engine.lanes.run import LanesEngine

__all__ = ["LanesEngine", "missing", "unavailable"]
