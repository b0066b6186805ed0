"""The reference: every public class with its arguments, from the docstrings, read without importing anything.

Nothing is imported, so the site is built without Airflow. A test holds the pages against the real signatures.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signatures import (
    Described,
    Parameter,
    arguments_of,
    constants_of,
    enum_members,
    is_error,
    parameters_of,
    with_value,
)

PACKAGE = "airflow_provider_callkaro"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Section:
    """One page of the reference.

    :param name: of the page, without its ending.
    :param title: the heading.
    :param about: the first sentence.
    :param modules: whose public names it shows, below the package.
    :param methods: whether it shows the public methods too.
    """

    name: str
    title: str
    about: str
    modules: tuple[str, ...]
    methods: bool = False


SECTIONS = (
    Section("callkaro", "Operators of CallKaro", "What a DAG imports for CallKaro.", ("operators.callkaro",)),
    Section("callaro", "Operators of Callaro", "What a DAG imports for Callaro.", ("operators.callaro",)),
    Section(
        "mrassistant", "Operators of MrAssistant", "What a DAG imports for MrAssistant.", ("operators.mrassistant",)
    ),
    Section(
        "outcomes",
        "Operators of outcomes",
        "What became of the calls of any vendor.",
        ("operators.call_outcomes", "operators.queued_webhooks"),
    ),
    Section(
        "sensors",
        "Sensors",
        "What waits: for calling hours, for the state of a campaign, for the end of a call, for what became of calls.",
        ("sensors.schedule_window", "sensors.callaro", "sensors.mrassistant", "sensors.call_outcomes"),
    ),
    Section("sources", "Sources of rows", "What the argument `contacts` takes beside a list.", ("sources",)),
    Section(
        "decorators",
        "Decorators",
        "A function that yields rows as a task: `@task.callkaro_calls`, `@task.mrassistant_calls`.",
        ("decorators.callkaro", "decorators.mrassistant"),
    ),
    Section(
        "schedules",
        "Schedules",
        "A DAG that runs when calling hours begin, and a warning before they end.",
        ("schedules",),
    ),
    Section(
        "notifications",
        "Notifications",
        "What phones the engineer on call.",
        ("notifications.callkaro",),
    ),
    Section("calls", "Calls, windows and policies", "What a call is, and when it may ring.", ("calls",), methods=True),
    Section(
        "hooks",
        "Hooks",
        "One method for each thing that a vendor's API can do.",
        ("hooks.callkaro", "hooks.callaro", "hooks.mrassistant"),
        methods=True,
    ),
)


def pages() -> dict[str, str]:
    """The pages of the reference, by their place in the site."""
    return {f"reference/{section.name}.md": page_of(section) for section in SECTIONS}


def page_of(section: Section) -> str:
    """One page, as Markdown."""
    parts = [f"# {section.title}\n\n{section.about}\n"]
    for module in section.modules:
        public = list(public_names(module))
        where = f"from {PACKAGE}.{module} import "
        for name, path in public:
            found = definition(path, name)
            shown = ()
            if isinstance(found, ast.ClassDef) and not name.endswith("DecoratedOperator"):
                shown = class_parts(found, path, methods=section.methods)
            elif isinstance(found, ast.FunctionDef):
                told = Described.of(found)
                shown = (told.text, *argument_table(list(arguments_of(found)), told))
            if shown:
                parts += [f"## {name}\n\n```python\n{where}{name}\n```\n", *shown]
    return "\n".join(parts)


def class_parts(node: ast.ClassDef, path: Path, *, methods: bool) -> Iterator[str]:
    """What is said of one class."""
    described = Described.of(node)
    yield described.text
    members = list(enum_members(node))
    if members:
        yield "\n".join(f"- `{value}`{f': {said}' if said else ''}" for value, said in members) + "\n"
        return
    known = [each for each in parameters_of(node) if described.params or not is_error(node)]
    constants = constants_of(path) | constants_of(path, node.body)
    yield from argument_table([with_value(each, constants) for each in known], described)
    if methods:
        for method in public_methods(node, path):
            told = Described.of(method)
            arguments = list(arguments_of(method))
            shown = ", ".join(each.name + (f"={each.default}" if each.default else "") for each in arguments)
            is_property = any(isinstance(one, ast.Name) and "property" in one.id for one in method.decorator_list)
            call = method.name if is_property else f"{method.name}({shown})"
            yield f"### {node.name}.{method.name}\n\n`{call}`\n\n{told.text}"
            yield from argument_table([each for each in arguments if each.name.lstrip("*") in told.params], told)


def argument_table(parameters: list[Parameter], described: Described) -> Iterator[str]:
    """A table of arguments, what comes back, and what is raised."""
    if parameters:
        rows = [row_of(each, described.params.get(each.name.lstrip("*"), "")) for each in parameters]
        yield "| argument | type | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    if described.returns:
        yield f"**Returns** {described.returns}\n"
    for error, said in described.raises:
        yield f"**Raises** `{error}`: {said}\n"


def row_of(parameter: Parameter, said: str) -> str:
    """One row of a table of arguments."""
    shown = f"`{parameter.annotation}`" if parameter.annotation else ""
    default = "required" if parameter.default is None else parameter.default and f"`{parameter.default}`"
    return f"| `{parameter.name}` | {shown} | {default} | {said} |"


def public_names(module: str) -> Iterator[tuple[str, Path]]:
    """The names that a module offers, each with the file that defines it."""
    path = file_of(f"{PACKAGE}.{module}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    offered = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    ]
    names = offered[0] if offered else [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    homes = {
        alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    for name in names:
        if not name.startswith("_"):
            defined_here = any(getattr(node, "name", None) == name for node in tree.body)
            yield name, path if defined_here else file_of(homes[name])


def file_of(module: str) -> Path:
    """The file of a module of the package."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def definition(path: Path, name: str) -> ast.AST | None:
    """What defines a name in a file, followed through what the file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            named = [alias.name for alias in node.names]
            if name in named:
                return definition(file_of(node.module), name)
    return None


def public_methods(node: ast.ClassDef, path: Path) -> list[ast.FunctionDef]:
    """The documented methods of a class and of our classes above it, nearest first."""
    methods = {
        item.name: item
        for item in node.body
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_") and ast.get_docstring(item)
    }
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        above = definition(path, name)
        if isinstance(above, ast.ClassDef):
            home = next((home for found, home in homes_of(path) if found == name), path)
            methods = {item.name: item for item in public_methods(above, home)} | methods
    return list(methods.values())


def homes_of(path: Path) -> Iterator[tuple[str, Path]]:
    """What a file imports from the package, each with the file that it comes from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            yield from ((alias.name, file_of(node.module)) for alias in node.names)
