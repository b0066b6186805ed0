"""The reference: every public class with its arguments, from the docstrings, read without importing anything.

Nothing is imported, so the site is built without Airflow. A test holds the pages against the real signatures.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

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
        "sensors",
        "Sensors",
        "What waits: for calling hours, for the state of a campaign, for the end of a call.",
        ("sensors.schedule_window", "sensors.callaro", "sensors.mrassistant"),
    ),
    Section("sources", "Sources of rows", "What the argument `contacts` takes beside a list.", ("sources",)),
    Section("calls", "Calls, windows and policies", "What a call is, and when it may ring.", ("calls",), methods=True),
    Section(
        "hooks",
        "Hooks",
        "One method for each thing that a vendor's API can do.",
        ("hooks.callkaro", "hooks.callaro", "hooks.mrassistant"),
        methods=True,
    ),
)


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
            if isinstance(found, ast.ClassDef):
                parts.append(f"## {name}\n\n```python\n{where}{name}\n```\n")
                parts.extend(class_parts(found, path, methods=section.methods))
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
            yield from argument_table([each for each in arguments if each.name in told.params], told)


def argument_table(parameters: list[Parameter], described: Described) -> Iterator[str]:
    """A table of arguments, what comes back, and what is raised."""
    if parameters:
        rows = [
            f"| `{each.name}` | {f'`{each.annotation}`' if each.annotation else ''} "
            f"| {'required' if each.default is None else f'`{each.default}`'} | {described.params.get(each.name, '')} |"
            for each in parameters
        ]
        yield "| argument | type | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    if described.returns:
        yield f"**Returns** {described.returns}\n"
    for error, said in described.raises:
        yield f"**Raises** `{error}`: {said}\n"


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
            defined_here = any(isinstance(node, ast.ClassDef) and node.name == name for node in tree.body)
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


def paragraphs(text: str) -> str:
    """Docstring prose as Markdown, paragraph by paragraph."""
    return "\n\n".join(as_markdown(one) for one in re.split(r"\n\s*\n", text.strip())) + "\n"


def as_markdown(text: str) -> str:
    """Docstring markup as Markdown, on one line, fit for a cell of a table."""
    flat = " ".join(text.split()).replace("``", "`")
    return re.sub(r"\|", "or", flat)
