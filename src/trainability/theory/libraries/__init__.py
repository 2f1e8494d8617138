"""How PyTorch, Keras and JAX draw weights: what `init_` does to modules and layers of each."""
