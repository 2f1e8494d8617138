"""What a test cannot do without, as a mark."""

from __future__ import annotations

import os

import pytest


def required(missing: str) -> pytest.MarkDecorator:
    """Skip where something is missing; `missing` says what, ``""`` nothing. Under CI it is an error: there a skipped
    test would look like a passed one.

    Raises:
        RuntimeError: something is missing and the environment has CI.
    """
    if missing and os.environ.get("CI"):
        raise RuntimeError(f"CI has to run these tests, but {missing}")
    return pytest.mark.skipif(bool(missing), reason=missing)
