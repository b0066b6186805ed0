"""What the package says of itself to whoever installs it; `make test-wheel` does install it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import matrix
import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = "https://host.example/owner/name"


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    """The hook of the build, where the tool that builds is installed."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pythons_that_are_named_are_those_that_are_tested() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert tuple(named) == matrix.PYTHONS
    assert f">={named[0]}" == PROJECT["requires-python"]


def test_a_type_checker_may_use_the_types() -> None:
    assert (ROOT / "airflow_provider_callkaro" / "py.typed").read_bytes() == b""


def test_the_page_on_installing_names_the_versions_that_are_tested() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    for airflow, pythons in matrix.SUPPORTED.items():
        pins = (ROOT / "constraints" / f"airflow-{airflow}.txt").read_text()
        version = re.search(r"^apache-airflow==(\S+)$", pins, re.MULTILINE)
        assert version is not None
        row = next(line for line in page.splitlines() if line.startswith(f"| {airflow} | "))
        assert re.findall(r"`([^`]+)`", row) == [version[1], *pythons]


def test_readme_has_no_dead_link_on_a_package_index(hatch_build: ModuleType) -> None:
    page = (ROOT / "README.md").read_text()
    shown = hatch_build.without_relative_links(page, repository="", tag="v1.0")
    assert re.findall(r"\]\((?!https?:|#)", page)
    assert not re.findall(r"\]\((?!https?:|#)", shown)


def test_links_lead_to_the_version_that_was_installed(hatch_build: ModuleType) -> None:
    page = "[the `ledger`](docs/ledger.md#size), ![form](docs/form.png), [top](#top), [spec](https://host.example/spec)"
    assert hatch_build.without_relative_links(page, repository=REPOSITORY, tag="v1.0") == (
        f"[the `ledger`]({REPOSITORY}/blob/v1.0/docs/ledger.md#size), ![form]({REPOSITORY}/raw/v1.0/docs/form.png), "
        "[top](#top), [spec](https://host.example/spec)"
    )
    assert hatch_build.without_relative_links(page, repository="", tag="v1.0") == (
        "the `ledger`, form, [top](#top), [spec](https://host.example/spec)"
    )


def test_an_address_becomes_all_links_of_the_project(hatch_build: ModuleType) -> None:
    assert hatch_build.links("", documentation="") == {}
    links = hatch_build.links(REPOSITORY, documentation="https://docs.example/")
    assert links["Documentation"] == "https://docs.example/"
    assert {"Source", "Changelog", "Issues"} <= {name for name, link in links.items() if link.startswith(REPOSITORY)}
