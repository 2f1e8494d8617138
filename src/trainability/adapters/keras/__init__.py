"""Watching `fit` and `train_on_batch` of Keras 3 models on its JAX, PyTorch and TensorFlow backends."""
