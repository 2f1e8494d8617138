"""Figures that several phenomena share. Each takes plain arrays and words, and gives a matplotlib figure."""
