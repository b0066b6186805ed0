"""The reference has every public class and function and every argument, with the default that Python sees."""

from __future__ import annotations

import enum
import inspect
import re
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_callkaro.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))
reference = import_module("reference")

PAGES: dict[str, str] = reference.pages()


def public_names() -> list[Any]:
    """What the provider's metadata and the rooms' own lists offer."""
    info = get_provider_info()
    modules = {
        module for room in ("hooks", "operators", "sensors") for one in info[room] for module in one["python-modules"]
    }
    modules |= {"airflow_provider_callkaro.sources", "airflow_provider_callkaro.calls"}
    modules |= {"airflow_provider_callkaro.schedules"}
    modules |= {path.rpartition(".")[0] for path in info["notifications"]}
    found = {}
    for module in sorted(modules):
        room = import_module(module)
        names = getattr(room, "__all__", None) or [
            name for name, one in vars(room).items() if inspect.isclass(one) and one.__module__ == module
        ]
        for name in names:
            with suppress(ImportError):  # what an older Airflow has no place for
                found[name] = getattr(room, name)
    return list(found.values())


def section_of(name: str) -> str:
    """What the reference says of a class."""
    for page in PAGES.values():
        if found := re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE):
            return found[1]
    pytest.fail(f"the reference does not have {name}: name its module in docs/site/reference.py")


@pytest.mark.parametrize("shown", public_names(), ids=lambda shown: shown.__name__)
def test_every_argument_of_a_public_name_is_in_the_reference(shown: Any) -> None:
    section = section_of(shown.__name__).partition("\n### ")[0]
    if inspect.isclass(shown) and issubclass(shown, enum.Enum):
        assert re.findall(r"^- `(\w+)`", section, re.MULTILINE) == [member.value for member in shown]
        return
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (.*?) \|", section, re.MULTILINE))
    given = {
        name: one
        for name, one in inspect.signature(shown).parameters.items()
        if one.kind is not inspect.Parameter.VAR_KEYWORD and not name.startswith("_")
    }
    if inspect.isclass(shown) and issubclass(shown, Exception):
        return
    assert set(rows) == set(given)
    required = {name for name, one in given.items() if one.default is inspect.Parameter.empty}
    assert {name for name, default in rows.items() if default == "required"} == required
    for name, one in given.items():
        if isinstance(one.default, bool | int | str) and "default_deferrable" not in rows[name]:
            shown_default = rows[name].strip("`")
            assert str(one.default) == shown_default.strip('"') or shown_default.isupper() or "." in shown_default, name


def test_every_argument_is_explained() -> None:
    unexplained = [
        (page, row) for page, text in PAGES.items() for row in re.findall(r"^\| `\w+` \|.*\|\s*\|$", text, re.MULTILINE)
    ]
    assert not unexplained


def test_no_markup_of_docstrings_is_left() -> None:
    assert not [page for page, text in PAGES.items() if "``" in text.replace("```", "") or ":param" in text]
