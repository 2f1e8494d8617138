"""Small training runs whose illness, or health, is known."""
