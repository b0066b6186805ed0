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
