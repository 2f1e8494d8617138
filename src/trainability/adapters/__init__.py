"""Watching the training of another library's model: what it does becomes a `core.chart.Chart`."""
