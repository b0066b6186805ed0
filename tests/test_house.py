"""What keeps the tree readable: the size of its files, what they say of themselves, and what a DAG file imports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "airflow_provider_callkaro"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300  # lines of a file
TESTS = Path(__file__).parent
APART = {"soak", "from_wheel"}  # what runs beside the suite, for as long as its user says
SHORTEST_WAIT = 30.0  # seconds for what will come; beside other test suites a second becomes half a minute
LONGEST_NAP = 5.0  # seconds; up to here it is a pause, or a wait for what never comes
WAITS = {"wait", "join", "result", "communicate", "run", "get", "post", "request", "create_connection"}
CLOCKS = {"monotonic", "perf_counter", "time"}
ENGINE = (
    "dispatch.run",
    "dispatch.dispatcher",
    "ledger.sql",
    "ledger.memory",
    "ledger.task_state",
    "sources.sql",
    "sources.files",
    "tasks.ledgers",
    "tasks.list_run",
    "transport.asynchronous",
    "transport.session",
)
HEAVY = (
    "aiohappyeyeballs",
    "httptools",
    "ijson",
    "phonenumbers",
    "pyarrow",
    "requests",
    "sqlalchemy",
    "starlette",
    "urllib3",
)


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_file_says_why_it_exists_and_is_short(module: Path) -> None:
    text = module.read_text()
    assert ast.get_docstring(ast.parse(text)), "a file opens by saying why it exists"
    assert len(text.splitlines()) <= LONGEST


@pytest.mark.parametrize("module", sorted((PACKAGE / "operators").rglob("[a-z]*.py")), ids=name_of)
def test_the_room_of_the_operators_holds_operators(module: Path) -> None:
    classes = [node.name for node in ast.parse(module.read_text()).body if isinstance(node, ast.ClassDef)]
    assert any(name.endswith("Operator") for name in classes)


def test_no_two_test_modules_have_one_name() -> None:
    """pytest imports them by their names alone, and refuses the second, but only where both are run."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("vendor", ["callkaro", "callaro", "mrassistant"])
def test_a_dag_file_does_not_pay_for_the_engine(vendor: str) -> None:
    script = (
        "import json, sys\n"
        "from airflow.providers.common.compat.sdk import BaseHook, BaseOperator\n"
        "(BaseHook, BaseOperator)\n"
        "before = set(sys.modules)\n"
        f"import airflow_provider_callkaro.operators.{vendor}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout.splitlines()[-1])
    forbidden = (*(f"airflow_provider_callkaro.{module}" for module in ENGINE), *HEAVY)
    below = tuple(f"{module}." for module in forbidden)
    assert [module for module in imported if module in forbidden or module.startswith(below)] == []


def modules_of_tests() -> dict[str, ast.AST]:
    paths = [path for path in TESTS.rglob("*.py") if not APART.intersection(path.relative_to(TESTS).parts)]
    return {str(path.relative_to(TESTS)): ast.parse(path.read_text()) for path in paths}


def name_of_call(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def longest_wait(node: ast.AST) -> float:
    """The seconds for which a call waits at the most; 0 where it does not wait, or does not say so in figures."""
    name = name_of_call(node)
    if not isinstance(node, ast.Call) or (name not in WAITS and not name.startswith("wait_")):
        return 0.0
    given = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
    given += node.args[:1] if name in {"wait", "join", "result"} else []
    return max(
        (node.value for node in given if isinstance(node, ast.Constant) and type(node.value) in (int, float)),
        default=0.0,
    )


def is_a_duration(node: ast.AST) -> bool:
    """Whether it is a difference of two readings of a clock that a busy machine moves on."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and any(
            name_of_call(call) in CLOCKS and getattr(getattr(call.func, "value", None), "id", "") == "time"
            for call in ast.walk(node)
            if isinstance(call, ast.Call)
        )
    )


def test_whoever_waits_in_a_test_waits_long_enough_for_a_busy_machine() -> None:
    short = [
        f"{name}, line {node.lineno}: {longest_wait(node)} s"
        for name, tree in modules_of_tests().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and LONGEST_NAP < longest_wait(node) < SHORTEST_WAIT
    ]
    assert short == []


def test_no_test_sleeps_or_judges_by_how_long_something_took() -> None:
    """It waits for an event instead, and is given a clock."""
    found = []
    for name, tree in modules_of_tests().items():
        for node in ast.walk(tree):
            if name_of_call(node) == "sleep" and getattr(getattr(node.func, "value", None), "id", "") == "time":
                found.append(f"{name}, line {node.lineno}: it sleeps")
            if isinstance(node, ast.Assert) and any(map(is_a_duration, ast.walk(node.test))):
                found.append(f"{name}, line {node.lineno}: it is timed")
    assert found == []
