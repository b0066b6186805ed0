"""Mapped tasks: which arguments come from an upstream task, and what must not stand in `partial` and `expand`.

Airflow stores the arguments of `partial` and `expand` in the serialized DAG as they are, before an operator exists that
could redact them. So a DAG that writes there what is never shown is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_callkaro.calls.row_schema import CALL_FIELDS, PERSONAL_FIELDS
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.files.storage import holds_a_secret

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_callkaro.tasks.rendering import RendersLiterals


try:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
except ImportError:  # before Airflow 3
    from airflow.models.mappedoperator import OperatorPartial

SETTINGS_OF_A_CALL = frozenset(CALL_FIELDS) - PERSONAL_FIELDS - {"metadata"}  # in call_options: no secret
_LONGEST_WRITTEN = 1_000  # items of a list that a person has written; a longer one comes from elsewhere
PATHS = frozenset({"path", "report_path", "page_path", "export_path"})
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WAYS = {
    "contacts": "take them from SqlContacts, FileContacts, AssetContacts or an upstream task's output",
    "webhook_url": 'set "webhook_url" in the extra of the connection',
    "webhook_secret": 'set "webhook_secret" in the extra of the connection',
}
_WAY = (
    "take it from an upstream task's output, or give all of it as a template, such as "
    '"{{ var.json.NAME }}" (a secret: "{{ conn.NAME.password }}")'
)


def came_from_upstream(task: Any, context: Context, *, expansion: str = "expand_input") -> Collection[str]:
    """The names of a mapped task's fields whose values come from an upstream task; none where it is not mapped.

    A value that the author wrote into `partial`, `expand` or the DAG's ``default_args`` does not count.

    :param expansion: where Airflow keeps what the task is mapped over; ``op_kwargs_expand_input`` for the arguments of
        a decorated function.
    """
    dag = task.get_dag()
    expanded = getattr(dag.task_dict.get(task.task_id) if dag else None, expansion, None)
    if expanded is None:
        return ()
    if isinstance(expanded.value, Mapping):
        names = {name for name, value in expanded.value.items() if _is_reference(value)}
    else:
        names = set(_keywords_from_upstream(expanded.value, context))
    return names | {"suppression"} if "policy" in names else names


def refuse_default_args(operator: type[RendersLiterals], dag: object) -> None:
    """Refuse a DAG's ``default_args`` that hold what the operator never shows: Airflow stores them as they are. Raises
    ConfigurationError if they do, naming the argument."""
    _refuse_literals(operator, getattr(dag, "default_args", None) or {}, where="default_args")


def refuse_literals_of_a_group(operator: type[RendersLiterals], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a mapped task group hands on, where they are written out in the group's own `expand`.
    ``arguments``: of an operator within the group. Raises ConfigurationError if one is, naming the argument."""
    looked_at = (operator.never_shown | PATHS).intersection(arguments)
    handed_on = {name: [*_handed_on(_private_part(name, arguments[name]))] for name in looked_at}
    _refuse_literals(operator, handed_on, where="a task group's expand")


def refuse_literals_of_a_decorator(operator: type[RendersLiterals], arguments: Mapping[str, Any], dag: object) -> None:
    """Refuse a mapped decorated task whose decorator, or whose DAG, is given what is never shown. ``arguments``: of the
    decorator. Raises ConfigurationError if it is, naming the argument."""
    refuse_default_args(operator, dag)
    _refuse_literals(operator, arguments, where="the decorator of a mapped task")


class CheckedPartial(OperatorPartial):
    """What `partial` returns: it refuses what Airflow would store in clear."""

    @classmethod
    def of(cls, operator: type[RendersLiterals], made: OperatorPartial) -> Self:
        """The same, checked. Raises ConfigurationError if what is never shown stands in it, naming the argument."""
        made._expand_called = True  # else it warns of a task without an expand
        refuse_default_args(operator, made.kwargs.get("dag"))
        checked = cls(operator_class=made.operator_class, kwargs=made.kwargs, params=made.params)
        checked._expand_called = True
        _refuse_literals(operator, made.kwargs, where="partial")
        checked._expand_called = False
        return checked

    def expand(self, **mapped_kwargs: Any) -> Any:
        """As Airflow's, with each of the values checked."""
        for name, values in mapped_kwargs.items():
            if not _is_reference(values):
                each = values.values() if isinstance(values, Mapping) else values
                for value in each if isinstance(each, Sequence) and not isinstance(each, str) else [each]:
                    self._refuse({name: value}, where="expand")
        return super().expand(**mapped_kwargs)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> Any:
        """As Airflow's, with each of the mappings checked."""
        for arguments in kwargs if isinstance(kwargs, Sequence) else ():
            if isinstance(arguments, Mapping):
                self._refuse(arguments, where="expand_kwargs")
        return super().expand_kwargs(kwargs, strict=strict)

    def _refuse(self, arguments: Mapping[str, Any], *, where: str) -> None:
        try:
            _refuse_literals(self.operator_class, arguments, where=where)
        except ConfigurationError:
            self._expand_called = True
            raise


def _keywords_from_upstream(value: Any, context: Context) -> Iterator[str]:
    """The arguments of `expand_kwargs` for this map index, unless the author wrote them."""
    index = context["ti"].map_index
    if not _is_reference(value):
        value = value[index]
        if _is_reference(value):
            yield from value.resolve(context)
    else:
        yield from value.resolve(context)[index]


def _refuse_literals(operator: type[RendersLiterals], arguments: Mapping[str, Any], *, where: str) -> None:
    for name in sorted(operator.never_shown.intersection(arguments)):
        if _holds_a_literal(_private_part(name, arguments[name])):
            raise _in_clear(operator, name, where=where, way=_WAYS.get(name, _WAY))
    for name in sorted(PATHS.intersection(arguments, operator.template_fields)):
        if isinstance(arguments[name], str) and holds_a_secret(_TEMPLATE.sub("", arguments[name])):
            raise _in_clear(operator, name, where=where, way="let a connection open the storage")


def _in_clear(operator: type[RendersLiterals], name: str, *, where: str, way: str) -> ConfigurationError:
    return ConfigurationError(
        f"{operator.__name__}: {name} is never shown, but Airflow stores what stands in {where} in clear: {way}"
    )


def _private_part(name: str, value: object) -> Any:
    if name == "call_options" and isinstance(value, Mapping):
        return {key: each for key, each in value.items() if key not in SETTINGS_OF_A_CALL}
    return value


def _handed_on(value: object) -> Iterator[Any]:
    """The arguments of a mapped task group that stand in an argument, also within a list, a mapping or a source."""
    if hasattr(value, "_input"):
        yield value
    elif hasattr(value, "template_fields"):
        for name in value.template_fields:
            yield from _handed_on(getattr(value, name, None))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _handed_on(each)
    elif isinstance(value, (list, tuple)):
        for each in islice(value, _LONGEST_WRITTEN):
            yield from _handed_on(each)


def _holds_a_literal(value: Any) -> bool:
    """Whether something is written out, rather than fetched when the task runs."""
    if value is None or hasattr(value, "template_fields"):  # a source shows nothing of what it holds
        return False
    if isinstance(value, str):
        return any(map(str.isalnum, _TEMPLATE.sub("", value)))
    if hasattr(value, "_input"):  # an argument of a mapped task group
        return _holds_a_literal(_argument_of_the_group(value._input.value, value._key))
    if _is_reference(value):
        return hasattr(value, "value") and _holds_a_literal(value.value)  # Airflow's `literal`
    if isinstance(value, Mapping):
        return any(map(_holds_a_literal, value.values()))
    if isinstance(value, (Sequence, AbstractSet)):
        return any(map(_holds_a_literal, value))
    return True


def _argument_of_the_group(arguments: Any, name: str) -> Any:
    if isinstance(arguments, Mapping):
        return arguments.get(name)
    return None if _is_reference(arguments) else [each.get(name) for each in arguments if isinstance(each, Mapping)]


def _is_reference(value: object) -> bool:
    return hasattr(value, "iter_references") and hasattr(value, "resolve")
