"""The page about the board: its settings are settings, and its command writes a report."""

from __future__ import annotations

import configparser
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from fanning_out import context_of, fan_out

from airflow_provider_callkaro.board.__main__ import main
from airflow_provider_callkaro.board.settings import ledger_conn_ids, unresolved_after
from airflow_provider_callkaro.get_provider_info import get_provider_info

PAGE = (Path(__file__).parents[2] / "docs" / "board.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_the_settings_are_read_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configparser.ConfigParser()
    settings.read_string(block("ini"))
    assert set(settings["callkaro"]) == set(get_provider_info()["config"]["callkaro"]["options"])
    assert unresolved_after() == timedelta(hours=24)
    for name, value in settings["callkaro"].items():
        monkeypatch.setenv(f"AIRFLOW__CALLKARO__{name.upper()}", value)
        assert f"AIRFLOW__CALLKARO__{name.upper()}" in PAGE
    assert ledger_conn_ids() == ("call_ledger",)
    assert unresolved_after() == timedelta(hours=24)


def test_the_command_of_the_page_writes_a_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(block("bash").replace("\\\n", " "))
    assert words[:3] == ["python", "-m", "airflow_provider_callkaro.board"]
    context = context_of(words[words.index("--run-id") + 1])
    fan_out(context, ledger_conn_id="call_ledger", ledger_scope="renewals")
    words[words.index("--dag-id") + 1] = context["ti"].dag_id
    monkeypatch.chdir(folder)
    main([*words[3:], "--task-id", "calls"])
    assert "Accepted" in (folder / "report.html").read_text(encoding="utf-8")
