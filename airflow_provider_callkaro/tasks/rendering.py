"""How an operator renders its arguments: once, what the DAG's author wrote, and nothing that comes from elsewhere.

Airflow itself also renders what `expand_kwargs` brings from an upstream task. It takes every text that ends in ``.sql``
for a file, and logs a field whose template fails with its value. A mapped task never calls `render_template_fields`;
every task comes through `_do_render_template_fields`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sized
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator, Context

from airflow_provider_callkaro.exceptions import ConfigurationError, VoiceCallError
from airflow_provider_callkaro.tasks.argument_values import check_literals
from airflow_provider_callkaro.tasks.arguments import copy_templated, render_and_check
from airflow_provider_callkaro.tasks.failures import for_good
from airflow_provider_callkaro.tasks.mapping import (
    CheckedPartial,
    came_from_upstream,
    refuse_default_args,
    refuse_literals_of_a_group,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_IS_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined")
_RUNS = frozenset({"execute", "execute_complete", "go_on", "poke"})  # the methods that Airflow calls in a task
_HOLDS = frozenset({"value", "source"})  # of an object that holds an argument: what the argument is
_ARGUMENT = {"suppression": "policy.suppress"}  # by the name of the field, where the user knows it by another


class RendersLiterals(BaseOperator):
    """For operators and sensors: render what the DAG's author wrote, and show none of it.

    A sensor names it before Airflow's own base class. Each try renders copies of its own, so nothing is rendered twice.
    A value from an upstream task stays as it is. An argument that is empty once rendered fails the task by its name.
    """

    never_shown: ClassVar[frozenset[str]] = frozenset()
    """The arguments that Airflow shows and stores nowhere. Of a mapped task they must come from elsewhere."""

    def __new__(cls, *_: object, **arguments: object) -> Self:
        """A task, unless a mapped task group hands on what is never shown and is written out there."""
        refuse_literals_of_a_group(cls, arguments)
        made: Self = super().__new__(cls)
        return made

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        refuse_default_args(type(self), self.get_dag())

    def _check_literals(self) -> None:
        """When the DAG is parsed: refuse an argument that is written out empty, and a connection that is no text.

        An operator calls it at the end of its `__init__`.

        :raises ConfigurationError: naming the argument.
        """
        check_literals(self, self.template_fields)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """What runs in a task fails it for good where a retry would change nothing."""
        super().__init_subclass__(**kwargs)
        for name in _RUNS.intersection(vars(cls)):
            setattr(cls, name, for_good(vars(cls)[name]))

    @classmethod
    def partial(cls, **arguments: Any) -> Any:
        """As Airflow's `partial`, and what is never shown must not be written into it. Raises ConfigurationError if it
        is."""
        return CheckedPartial.of(cls, super().partial(**arguments))

    def _do_render_template_fields(
        self,
        parent: object,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Environment,
        seen_oids: set[int],
    ) -> None:
        """Render the template fields of this try, or of an object within one of them. Raises ConfigurationError if a
        template fails, or an argument was given and comes to nothing; by its name."""
        if parent is not self:
            self._render_fields(parent, template_fields, "", context, jinja_env, seen_oids)
            return
        for_good(self._render_own)(template_fields, context, jinja_env)

    def _render_own(self, template_fields: Iterable[str], context: Context, jinja_env: Environment) -> None:
        copy_templated(self, list(template_fields))
        data = came_from_upstream(self, context)
        by_author = [name for name in template_fields if name not in data]
        # Not `seen_oids`: Airflow takes a reference in `expand_kwargs` for a value that it has rendered already.
        render_and_check(self, lambda: self._render_fields(self, by_author, "", context, jinja_env, set()))

    def _render_fields(
        self,
        holder: object,
        names: Iterable[str],
        place: str,
        context: Context,
        jinja_env: Environment,
        seen_oids: set[int],
    ) -> None:
        for name in names:
            value = getattr(holder, name)
            if value is None or (isinstance(value, Sized) and not len(value)):
                continue
            path = _path(place, name)
            if hasattr(value, "template_fields"):
                self._render_fields(value, value.template_fields, path, context, jinja_env, seen_oids)
                continue
            why = None
            try:
                if callable(value):
                    result = value(context=context, jinja_env=jinja_env)
                else:
                    text = _text_of_file(value, holder, jinja_env) if holder is not self else value
                    result = self.render_template(text, context, jinja_env, seen_oids)
            except (AirflowException, VoiceCallError):
                raise
            except Exception as error:
                why = _without_values(error)
            if why is not None:  # raised here: the error that holds the values does not become the context
                raise ConfigurationError(f"{path} cannot be rendered: {why}. Its text is not shown, it may be private")
            setattr(holder, name, result)


def _path(place: str, name: str) -> str:
    if not place:
        return _ARGUMENT.get(name, name)
    return place if name in _HOLDS else f"{place}.{name}"


def _text_of_file(value: Any, holder: object, jinja_env: Environment) -> Any:
    """The text of the template file that a source's field names; any other value as it is.

    Only a source says so of its own fields. Airflow would look for a file wherever a text ends like one, also in
    somebody's metadata.
    """
    endings = tuple(getattr(holder, "template_ext", ()))
    if not (isinstance(value, str) and value.endswith(endings)) or not endings:
        return value
    from jinja2 import TemplateNotFound

    if jinja_env.loader is None:
        raise TemplateNotFound(None)
    return jinja_env.loader.get_source(jinja_env, value)[0]


def _without_values(error: Exception) -> str:
    """Why a template failed, without any of the values."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

    if isinstance(error, TemplateNotFound):
        return "a template file that it names is not there"
    if isinstance(error, TemplateSyntaxError):
        return f"the template is broken in line {error.lineno}"
    if isinstance(error, UndefinedError):
        name = _IS_UNDEFINED.fullmatch(error.message or "")
        return f"{name[1]} is undefined" if name else "something in the template is undefined"
    frame = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
