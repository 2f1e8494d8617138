"""Flax NNX: a training step is wrapped; at the moments its loss is seen beside it, as a pure function."""
