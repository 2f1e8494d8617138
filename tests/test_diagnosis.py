"""Every rule fires on its sick chart and is silent on its healthy one; roots explain symptoms."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tests.command import strict_json
from trainability.diagnosis import RULES, Rule, diagnose, examples
from trainability.diagnosis.finding import Evidence

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
