"""PyTorch: any training loop is watched through hooks that PyTorch has, without a change to the model."""
