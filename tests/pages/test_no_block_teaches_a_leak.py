"""No example returns rows from a task: Airflow writes what a task returns into its log and its database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
NUMBER = re.compile(r"\+\d(?:[ -]?\d){8,14}")
ABOUT_PEOPLE = re.compile(rf"to_number|phone|{NUMBER.pattern}")


def blocks() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob("example_dags/**/*.py")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted(PAGES):
        for place, block in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")), start=1):
            if "@task" in block:
                yield f"{path.relative_to(ROOT)}, block {place}", block


def leaks(text: str) -> list[str]:
    """The tasks of some code that return rows where Airflow logs them."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return [each.name for each in functions if _is_logged(each) and any(map(_holds_people, ast.walk(each)))]


def _is_logged(function: ast.FunctionDef) -> bool:
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        hidden = call is not None and any(
            keyword.arg == "show_return_value_in_logs"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is False
            for keyword in call.keywords
        )
        if ast.unparse(decorator if call is None else call.func) == "task" and not hidden:
            return True
    return False


def _holds_people(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    constants = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
    return any(isinstance(value, str) and ABOUT_PEOPLE.search(value) for value in constants)


@pytest.mark.parametrize(("place", "text"), list(blocks()), ids=lambda value: value if "\n" not in value else "")
def test_no_example_returns_rows_where_they_are_logged(place: str, text: str) -> None:
    assert leaks(text) == [], f"{place} returns rows from a task: write them to a file, or use a source"


ROW = '    return [{"to_number": "x"}]'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"@task\ndef people():\n{ROW}", ["people"]),
        (f"@task(retries=3)\ndef people():\n{ROW}", ["people"]),
        ("@task\ndef people():\n    return ['+91 98765 43210']", ["people"]),
        (f"@task(show_return_value_in_logs=True)\ndef people():\n{ROW}", ["people"]),
        (f"@task(show_return_value_in_logs=False)\ndef people():\n{ROW}", []),
        (f"@task.callkaro_calls\ndef people():\n{ROW}", []),
        ("@task\ndef people():\n    return path", []),
    ],
)
def test_the_search_finds_what_would_be_logged(text: str, found: list[str]) -> None:
    assert leaks(text) == found
