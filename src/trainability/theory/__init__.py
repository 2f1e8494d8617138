"""Mean-field theory of wide networks: what depth does to variances, correlations and gradients, before any training.

Public functions take `phi`, a catalogue name with parameters, a formula or a function of a NumPy array; σ_w² is fan_in
times the variance of a weight, σ_b² the variance of a bias. Everything is float64. Quadrature is split at each
activation's kinks; relative errors are below 1e-9, but for formulas over a whole layer, and those that tie three pieces
or more together and are neither a sum of products, nor of one linear combination of them, nor homogeneous: these are
sampled to about 3 digits, and `expectation` tells the error. A softmax and its like depend on how many units there are:
`at_width` says so.
"""

from trainability.theory.correlation import (
    CorrelationPoint,
    correlation_fixed_point,
    correlation_length,
    correlation_map,
    moment_map,
)
from trainability.theory.diagram import Edge, PhaseDiagram, edge_of_chaos, phase_diagram
from trainability.theory.functions import Activating, at_width
from trainability.theory.gains import gain, second_moment_gain
from trainability.theory.initialization import init_
from trainability.theory.isometry import Isometry, isometry
from trainability.theory.moments import Estimate, expectation
from trainability.theory.phases import (
    CriticalPoint,
    chi_1,
    critical_points,
    critical_sigma_w,
    double_critical,
    phase,
    recommended,
)
from trainability.theory.prediction import Prediction, Predictions, predict
from trainability.theory.trainable import Band, trainable_depth
from trainability.theory.variance import FixedPoint, FixedPoints, fixed_points, variance_length, variance_map

__all__ = [
    "Activating",
    "Band",
    "CorrelationPoint",
    "CriticalPoint",
    "Edge",
    "Estimate",
    "FixedPoint",
    "FixedPoints",
    "Isometry",
    "PhaseDiagram",
    "Prediction",
    "Predictions",
    "at_width",
    "chi_1",
    "correlation_fixed_point",
    "correlation_length",
    "correlation_map",
    "critical_points",
    "critical_sigma_w",
    "double_critical",
    "edge_of_chaos",
    "expectation",
    "fixed_points",
    "gain",
    "init_",
    "isometry",
    "moment_map",
    "phase",
    "phase_diagram",
    "predict",
    "recommended",
    "second_moment_gain",
    "trainable_depth",
    "variance_length",
    "variance_map",
]
