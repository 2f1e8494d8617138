"""JAX: a loss function is traced once more beside the training, which goes on as if nobody looked."""
