"""What a class or a function says of itself: its arguments with types and defaults, and its docstring in parts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Parameter:
    """One argument of a class or a method."""

    name: str
    annotation: str
    default: str | None


@dataclass(frozen=True)
class Described:
    """A docstring in its parts."""

    text: str
    params: dict[str, str]
    returns: str
    raises: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, node: ast.ClassDef | ast.FunctionDef) -> Described:
        """The parts of the docstring of a class or a function."""
        text, *fields = re.split(r"^:(?=param |return|raises )", ast.get_docstring(node) or "", flags=re.MULTILINE)
        params, returns, raises = {}, "", []
        for field in fields:
            head, _, said = field.partition(":")
            kind, _, name = head.partition(" ")
            said = as_markdown(said)
            if kind == "param":
                params[name] = said
            elif kind == "raises":
                raises.append((name, said))
            else:
                returns = said
        return cls(text=paragraphs(text), params=params, returns=returns, raises=tuple(raises))


def constants_of(path: Path, body: list[ast.stmt] | None = None) -> dict[str, str]:
    """The literals that a file, or the body of a class in it, gives names to."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body if body is None else body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        ):
            found[node.targets[0].id] = ast.unparse(node.value).replace("'", '"')
    return found


def with_value(parameter: Parameter, constants: dict[str, str]) -> Parameter:
    """A default that is a name, as what the name stands for."""
    return replace(parameter, default=constants.get(parameter.default or "", parameter.default))


def is_error(node: ast.ClassDef) -> bool:
    """Whether a class is an exception, whose arguments nobody gives."""
    return any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)


def parameters_of(node: ast.ClassDef) -> list[Parameter]:
    """The arguments of a class: of its ``__init__``, or the fields of a dataclass."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return list(arguments_of(item))
    return [
        Parameter(
            name=item.target.id,
            annotation=annotation(item.annotation),
            default=None if item.value is None else field_default(item.value),
        )
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and not item.target.id.startswith("_")
        and not (item.value is not None and "init=False" in ast.unparse(item.value))
        and "ClassVar" not in ast.unparse(item.annotation)
    ]


def arguments_of(function: ast.FunctionDef) -> Iterator[Parameter]:
    """The arguments of a function, without ``self`` and Airflow's own ``**kwargs``."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    for argument, default in [
        *zip(positional, defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]:
        if argument.arg not in ("self", "cls"):
            shown = None if default is None else shown_default(default)
            yield Parameter(argument.arg, annotation(argument.annotation), shown)
    if given.kwarg and f":param {given.kwarg.arg}:" in (ast.get_docstring(function) or ""):
        yield Parameter(f"**{given.kwarg.arg}", "", "")


def annotation(node: ast.expr | None) -> str:
    """A type in a form that fits into a cell of a table."""
    return "" if node is None else ast.unparse(node).replace(" | ", " or ").replace("'", '"')


def shown_default(node: ast.expr) -> str:
    """A default as a reader would write it."""
    text = ast.unparse(node).replace("'", '"')
    if match := re.fullmatch(r"(\w+)Hook\.default_conn_name", text):
        return f'"{match[1].lower()}_default"'
    return "[operators] default_deferrable" if "default_deferrable" in text else text.replace(" | ", " or ")


def field_default(node: ast.expr) -> str | None:
    """The default of a dataclass's field; None where it has none."""
    text = shown_default(node)
    if not text.startswith("field("):
        return text
    match = re.search(r"default(?:_factory)?=([^,)]+(?:\(\))?)", text)
    return match[1] if match else None


def enum_members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The values of an enumeration, each with the text behind it."""
    if not any("Enum" in ast.unparse(base) for base in node.bases):
        return
    for item, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
            said = (
                following.value.value
                if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                else ""
            )
            yield item.value.value, as_markdown(said)


def paragraphs(text: str) -> str:
    """Docstring prose as Markdown, paragraph by paragraph."""
    return "\n\n".join(as_markdown(one) for one in re.split(r"\n\s*\n", text.strip())) + "\n"


def as_markdown(text: str) -> str:
    """Docstring markup as Markdown, on one line, fit for a cell of a table."""
    flat = " ".join(text.split()).replace("``", "`")
    return re.sub(r"\|", "or", flat)
