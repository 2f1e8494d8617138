"""What theory predicts of a grid, beside what an engine measured of it: table, figures, page, JSON."""

from __future__ import annotations

from trainability.report.forecast.forecast import Forecast, Row, of_predictions, of_result
from trainability.report.forecast.measured import Measured

__all__ = ["Forecast", "Measured", "Row", "of_predictions", "of_result"]
