"""What an editor and `help()` show is whole: an operator or sensor spells out its arguments, and says what for."""

from __future__ import annotations

import inspect
import re

import pytest

from airflow_provider_callkaro.operators import callaro, callkaro, mrassistant
from airflow_provider_callkaro.operators.call_outcomes import CallOutcomesToFileOperator, CallOutcomesToSqlOperator
from airflow_provider_callkaro.sensors.call_outcomes import CallOutcomesSensor
from airflow_provider_callkaro.sensors.callaro import CallaroCampaignSensor, CallaroDispatchHealthSensor
from airflow_provider_callkaro.sensors.mrassistant import MrAssistantCallSensor, MrAssistantOutboundOpenSensor
from airflow_provider_callkaro.sensors.schedule_window import ScheduleWindowSensor

OPERATORS = [getattr(module, name) for module in (callkaro, callaro, mrassistant) for name in module.__all__]
OPERATORS += [CallOutcomesToFileOperator, CallOutcomesToSqlOperator]
SENSORS = [
    CallOutcomesSensor,
    CallaroCampaignSensor,
    CallaroDispatchHealthSensor,
    MrAssistantCallSensor,
    MrAssistantOutboundOpenSensor,
    ScheduleWindowSensor,
]
RENDERED_IN_PARTS = {"policy": "suppression"}  # an argument of which Airflow renders what is inside


def arguments_of(operator) -> set[str]:
    return set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}


def documented(operator) -> dict[str, str]:
    """The text behind each ``:param``, from the class's own docstring."""
    parts = re.split(r":param (\w+):", inspect.getdoc(operator).partition(":raises")[0])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("operator", [*OPERATORS, *SENSORS], ids=lambda operator: operator.__name__)
def test_every_argument_is_spelled_out_and_documented(operator):
    assert "__init__" in vars(operator)
    assert arguments_of(operator) == set(documented(operator))
    assert {parameter.kind for parameter in inspect.signature(operator.__init__).parameters.values()} <= {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,  # self
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,  # Airflow's own
    }


@pytest.mark.parametrize("operator", [*OPERATORS, *SENSORS], ids=lambda operator: operator.__name__)
def test_what_is_said_to_be_templated_is(operator):
    said = {name for name, text in documented(operator).items() if "Templated" in text}
    inside = {RENDERED_IN_PARTS[name] for name in arguments_of(operator) & set(RENDERED_IN_PARTS)}
    assert said == set(operator.template_fields) - inside


@pytest.mark.parametrize(
    ("preflight", "fan_out"),
    [
        (callkaro.CallKaroPreflightOperator, callkaro.CallKaroFanOutCallsOperator),
        (mrassistant.MrAssistantPreflightOperator, mrassistant.MrAssistantCreateCampaignOperator),
    ],
)
def test_a_preflight_takes_whatever_its_fan_out_takes(preflight, fan_out):
    assert arguments_of(fan_out) <= arguments_of(preflight)
    theirs, ours = inspect.signature(fan_out.__init__).parameters, inspect.signature(preflight.__init__).parameters
    same = arguments_of(fan_out) - {"dry_run"}
    assert {name: theirs[name].default for name in same} == {name: ours[name].default for name in same}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_no_operator_has_two_of_our_classes_above_it(operator):
    ours = [base for base in operator.__bases__ if base.__module__.startswith("airflow_provider_callkaro")]
    assert len(ours) <= 1
