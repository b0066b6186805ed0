"""Templated arguments: one that was given and comes to nothing is refused by name, however deep it lies."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.tasks.arguments import (
    copy_templated,
    is_plain,
    is_template,
    provided_arguments,
    refuse_empty_arguments,
    render_and_check,
)
from airflow_provider_callkaro.tasks.redacted import Redacted

TEMPLATE = "{{ ti.xcom_pull('campain') }}"


class Reference:
    """What an upstream task's output looks like before it is rendered."""

    def iter_references(self):
        return iter(())

    def __repr__(self) -> str:
        return "Reference()"


def render(before: Any, after: Any) -> SimpleNamespace:
    """A task with one templated argument, rendered from one value to another."""
    task = SimpleNamespace(template_fields=("argument",), argument=before)
    render_and_check(task, lambda: setattr(task, "argument", after))
    return task


@pytest.mark.parametrize("nothing", [None, "", "  ", "None", " None "])
@pytest.mark.parametrize("before", [TEMPLATE, "{% if x %}x{% endif %}", Reference()], ids=repr)
def test_what_a_misspelt_task_id_leaves_is_refused(before, nothing):
    with pytest.raises(ConfigurationError, match=r"^argument was given and comes to nothing"):
        render(before, nothing)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"agent": {"id": TEMPLATE}}, {"agent": {"id": "None"}}, r"argument\.agent\.id"),
        (["a", TEMPLATE], ["a", ""], r"argument\[1\]"),
        (("a", [TEMPLATE]), ("a", [None]), r"argument\[1\]\[0\]"),
        (Redacted({"to_number": TEMPLATE}), Redacted({"to_number": None}), r"argument\.to_number"),
    ],
)
def test_what_lies_within_an_argument_counts_and_is_named(before, after, path):
    with pytest.raises(ConfigurationError, match=f"^{path} was given"):
        render(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TEMPLATE, "batch-1"),
        (TEMPLATE, 0),
        (TEMPLATE, []),  # an empty list is a list
        ("", ""),  # written so by the author
        (None, None),
        ("None", "None"),
        ([TEMPLATE], []),  # cut to another list by whoever rendered it
        ({"language": None, "agent": TEMPLATE}, {"language": None, "agent": "asha"}),
    ],
)
def test_what_is_something_or_was_never_a_template_passes(before, after):
    assert render(before, after).argument == after


def test_a_message_about_an_argument_shows_nothing_of_it():
    with pytest.raises(ConfigurationError) as refused:
        render("{{ '+919876543210' if none else none }}", None)
    assert "98765" not in str(refused.value)


def test_an_argument_that_was_given_and_has_gone_is_refused_when_the_task_runs():
    operator = SimpleNamespace(batch_id=Reference(), agent_id=None, to_number=Redacted("x"))
    given = provided_arguments(operator, ["batch_id", "agent_id", "to_number"])
    assert given == {"batch_id", "to_number"}
    refuse_empty_arguments(operator, given)
    operator.to_number = Redacted(" ")
    with pytest.raises(ConfigurationError, match=r"^to_number was given"):
        refuse_empty_arguments(operator, given)
    operator.batch_id = None
    with pytest.raises(ConfigurationError, match=r"^batch_id was given"):
        refuse_empty_arguments(operator, given)


@pytest.mark.parametrize("value", ["asha", "", 3, 0.5, None, True, [], ["a", ("b", 1)]])
def test_a_value_that_is_known_when_the_dag_is_parsed_is_plain(value):
    assert is_plain(value)
    assert not is_template(value)


@pytest.mark.parametrize("value", [TEMPLATE, Reference(), [TEMPLATE], ("a", [Reference()]), {"a": 1}, object()])
def test_a_value_that_is_known_later_is_not_plain(value):
    assert not is_plain(value)


def test_a_second_run_in_one_process_does_not_see_what_the_first_one_was_given():
    """Airflow renders such an object in place, and the DAG's own task holds it too."""
    of_the_dag = SimpleNamespace(contacts=Redacted(TEMPLATE), agent_id="asha")
    task = SimpleNamespace(**vars(of_the_dag))
    copy_templated(task, ["contacts", "agent_id"])
    task.contacts.value = "+919876543210"
    assert (of_the_dag.contacts.value, task.agent_id) == (TEMPLATE, "asha")
