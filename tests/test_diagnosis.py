"""Every rule fires on its sick chart and is silent on its healthy one; roots explain symptoms."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tests.command import strict_json
from trainability.core.chart import Chart, OptimizerFacts, Pairing
from trainability.diagnosis import RULES, Rule, diagnose, examples
from trainability.diagnosis.finding import Evidence
from trainability.diagnosis.reading import learns

each = pytest.mark.parametrize("rule", list(RULES), ids=lambda rule: rule.name)


@each
def test_a_rule_fires_on_its_sick_chart_and_not_on_its_healthy_one(rule: Rule):
    found = rule.check(rule.sick())
    assert isinstance(found, Evidence)
    assert 0 < found.confidence <= 1
    assert found.figures
    assert rule.check(rule.healthy()) is None


@each
def test_a_rule_is_the_root_on_its_sick_chart(rule: Rule):
    roots = [finding.code for finding in diagnose(rule.sick()) if finding.role == "root"]
    assert rule.name in roots[:2]


@each
def test_a_rule_is_silent_on_every_run_that_learns(rule: Rule):
    assert rule.check(examples.chart()) is None
    assert rule.check(examples.chart(activation="tanh", layers=2)) is None


@each
def test_a_rule_reads_a_run_that_never_trained(rule: Rule):
    empty = examples.chart(
        layers=1, losses=np.zeros(0), moments=np.zeros(0, int), loss=None, optimizer=None, inputs=None, parameters=()
    )
    rule.check(dataclasses.replace(empty, layers=(), signs={name: np.zeros((0, 0)) for name in empty.signs}))


@each
def test_what_a_rule_explains_is_a_code_or_will_be(rule: Rule):
    assert rule.name not in rule.explains
    assert len(rule.advice.split()) >= 12
    strict_json(json.dumps([finding.to_dict() for finding in diagnose(rule.sick())]))


def test_softmax_over_one_unit_is_the_root_and_dead_units_its_symptom():
    loss = dataclasses.replace(examples.loss(), name="bce", kind="binary", output_shape=(32, 1), last="softmax")
    seen = examples.chart({"dead": [0.2, 0.95, 0.95, 0.0]}, losses=examples.stays(), loss=loss)
    findings = diagnose(seen)
    assert [(f.code, f.role) for f in findings[:2]] == [("output-activation", "root"), ("dying-relu", "symptom")]
    assert findings[1].of == "output-activation"


def test_a_run_that_learns_has_no_findings():
    assert diagnose(examples.chart()) == []


@pytest.mark.parametrize(("gone", "found"), [(0.05, True), (0.6, False), (float("nan"), False)])
def test_a_rate_that_is_gone_early_is_told_where_more_could_be_learned(gone: float, found: bool):
    rates = OptimizerFacts("sgd", {"lr": 0.1}, {"lr": 0.0}, gone=gone)
    half_way = np.linspace(0.69, 0.2, 200)
    seen = examples.chart(losses=half_way, optimizer=rates, pairing=Pairing(300, 0.9, 0.01, 0.9))
    assert learns(seen)
    assert [finding.code for finding in diagnose(seen)] == (["schedule-wrong"] if found else [])


def test_units_that_large_steps_killed_are_put_under_the_rate():
    seen = examples.chart({"update_ratio": [-0.4] * 4}, losses=examples.stays())
    dead = seen.signs["dead"].copy()
    dead[0, :], dead[1:, :2] = 0.05, 0.9
    killed = dataclasses.replace(seen, signs={**seen.signs, "dead": dead})
    codes = {finding.code: finding for finding in diagnose(killed)}
    assert codes["learning-rate-high"].role == "root"
    assert codes["dying-relu"].role == "symptom"


def roots(seen: Chart) -> list[str]:
    return [finding.code for finding in diagnose(seen) if finding.role == "root"]


def test_layers_without_activation_are_told_of_a_run_that_learns_nothing_too():
    found = diagnose(examples.chart(activation=None, losses=examples.stays()))
    assert found[0].code == "activation-missing"
    strict_json(json.dumps([finding.to_dict() for finding in found], allow_nan=False))


def test_what_was_not_learned_in_training_is_not_learned_by_heart():
    rule = RULES["overfitting"]
    worse = dataclasses.replace(rule.sick(), losses=np.full(200, 0.72))
    assert worse.validation is not None
    validation = dataclasses.replace(worse.validation, losses=np.array([0.9, 1.0, 1.5, 2.0, 2.5]))
    assert rule.check(dataclasses.replace(worse, validation=validation, losses=np.linspace(0.7, 0.1, 200))) is not None
    assert rule.check(dataclasses.replace(worse, validation=validation)) is None


def test_small_weights_of_a_recurrent_layer_are_usual():
    sick = RULES["init-small"].sick()
    layers = tuple(dataclasses.replace(layer, kind="recurrent") for layer in sick.layers)
    assert "init-small" in roots(sick)
    assert "init-small" not in roots(dataclasses.replace(sick, layers=layers))


def test_what_learns_with_frozen_layers_is_left_alone():
    sick = RULES["parameters-frozen"].sick()
    assert "parameters-frozen" in roots(sick)
    half_way = dataclasses.replace(sick, losses=np.linspace(0.69, 0.32, 200))
    assert not learns(half_way)
    assert "parameters-frozen" not in roots(half_way)


@pytest.mark.parametrize(("end", "found"), [([0.1, 3.0], True), ([0.1, 0.1, 3.0], True), ([0.1, 1.1, 3.0], False)])
def test_an_output_layer_that_grows_does_not_hide_what_shrinks(end: list[float], found: bool):
    made = examples.chart(layers=len(end), losses=examples.stays())
    assert made.optimizer is not None
    decayed = dataclasses.replace(made.optimizer, first={"lr": 0.001, "weight_decay": 0.1})
    size = np.geomspace(np.ones(len(end)), end, len(made.moments))
    made = dataclasses.replace(made, signs={**made.signs, "weight_rms": size}, optimizer=decayed)
    assert (RULES["over-regularized"].check(made) is not None) is found
