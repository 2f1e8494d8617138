"""Keras on TensorFlow, in a process of its own: it is watched and treated as on the other backends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests import keras_checks
from tests.required import required
from tests.test_watch_keras import ROOT, assert_same, in_torch

# TensorFlow has no wheels for every Python and machine that we run on: see the extra `tensorflow`.
WANTED = sys.platform == "linux" and os.uname().machine == "x86_64" and sys.version_info < (3, 14)
MISSING = "" if importlib.util.find_spec("tensorflow") else "TensorFlow is not installed: pip install tensorflow-cpu"
pytestmark = required(MISSING) if WANTED else pytest.mark.skipif(bool(MISSING), reason=MISSING)


def run(*words: object) -> str:
    """The standard output of a Python with TensorFlow; a failure is the test's."""
    command = [sys.executable, *map(str, words)]
    env = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_watched_as_the_others_are(tmp_path: Path):
    wanted = {}
    for activation in (torch.nn.Tanh, torch.nn.ReLU):
        path = tmp_path / f"{activation.__name__}.npz"
        wanted[path] = in_torch(activation, path)
    said = run("-m", "tests.tensorflow_checks", *wanted)
    assert said.count("passed") > len(keras_checks.CHECKS)
    for path, one in wanted.items():
        assert_same(one, path)


@pytest.mark.soak
def test_the_zoo_and_the_operations_are_the_same():
    run("-m", "tests.tensorflow_checks", "soak")
    run("-m", "pytest", "tests/test_operations_keras.py")
