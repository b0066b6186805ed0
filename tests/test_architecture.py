"""The drawing in docs/architecture.md shows the rooms as the import contracts have them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "airflow_provider_callkaro"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS, WAY = re.findall(r"```mermaid\nflowchart (?:TB|LR)\n(.*?)```", PAGE, re.DOTALL)
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def contract(beginning: str) -> dict:
    return next(one for one in CONTRACTS if one["name"].startswith(beginning))


def rooms_in(modules: list[str]) -> set[str]:
    return {module.strip().removeprefix("airflow_provider_callkaro.") for module in modules}


def test_the_layers_are_drawn_in_the_order_of_the_contract() -> None:
    drawn = [
        (name, set(re.findall(r"^ +(\w+)\[", body, re.MULTILINE)))
        for name, body in re.findall(r"subgraph (\w+) \[.*?\]\n(.*?) end\n", ROOMS, re.DOTALL)
    ]
    layers = contract("A room imports only")["layers"]
    assert [rooms for _, rooms in drawn] == [rooms_in(layer.split("|")) for layer in layers]
    assert " --> ".join(name for name, _ in drawn) in ROOMS  # each layer points at the one below it


def test_the_drawing_has_every_room_of_the_package() -> None:
    drawn = set(re.findall(r"^ +(\w+)\[", ROOMS, re.MULTILINE))
    assert drawn == {room.parent.name for room in PACKAGE.glob("*/__init__.py")} | {"exceptions"}


def test_green_are_the_rooms_that_know_nothing_of_airflow() -> None:
    (green,) = re.findall(r"^ +class ([\w,]+) pure$", ROOMS, re.MULTILINE)
    assert set(green.split(",")) == rooms_in(contract("The rooms below")["source_modules"])


def test_the_sandbox_is_kept_from_every_other_room() -> None:
    others = {room.parent.name for room in PACKAGE.glob("*/__init__.py")} | {"exceptions"}
    assert rooms_in(contract("The sandbox")["forbidden_modules"]) >= others - {"sandbox"}


def test_the_page_names_every_contract() -> None:
    assert re.findall(r"^- (.*)\.$", PAGE, re.MULTILINE) == [one["name"] for one in CONTRACTS]


def test_a_row_crosses_no_room_twice() -> None:
    arrows = re.findall(r"^ +(\w+) -->\|.*\| (\w+)$", WAY, re.MULTILINE)
    way = [arrows[0][0], *(target for _, target in arrows)]
    assert [origin for origin, _ in arrows] == way[:-1]  # one way, without a fork
    assert len(set(way)) == len(way)
    asked = re.findall(r"^ +(\w+) <-\.->\|.*\| (\w+)$", WAY, re.MULTILINE)
    assert {origin for origin, _ in asked} == {"dispatch"}  # the only room that asks others on the way
    assert {room for _, room in asked}.isdisjoint(way)
