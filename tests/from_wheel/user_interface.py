"""What Airflow's user interface asks its server, for Airflow 2 and Airflow 3: only what the check needs.

Imports nothing but Python's own library: its interpreter belongs to the environment that is checked.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode


class UserInterface(Protocol):
    """Somebody who sits before the user interface."""

    def ready(self) -> bool:
        """Whether the server answers, and lets us in."""

    def form_fields(self, connection_type: str) -> dict[str, str]:
        """The labels of the extra fields in the form of a connection type."""

    def test_connection(self, connection_id: str, fields: Mapping[str, Any]) -> tuple[bool, str]:
        """What the button *Test* says."""

    def add_connection(self, connection_id: str, fields: Mapping[str, Any]) -> None:
        """Save a connection."""

    def knows(self, dag_id: str) -> bool:
        """Whether a DAG is in the list."""

    def trigger(self, dag_id: str) -> str:
        """Start a run; its id."""

    def state(self, dag_id: str, run_id: str) -> str:
        """How a run stands."""


class _Server:
    """One server on loopback, with the cookies of one browser.

    :param api: where its REST API begins.
    """

    def __init__(self, port: int, *, api: str) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._api = api
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._headers: dict[str, str] = {}

    def _fetch(self, path: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> str:
        request = urllib.request.Request(self._url + path, data=data, headers={**self._headers, **(headers or {})})
        with self._opener.open(request, timeout=120) as response:
            text: str = response.read().decode()
            return text

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return json.loads(self._fetch(self._api + path, data=data, headers=headers))

    def test_connection(self, connection_id: str, fields: Mapping[str, Any]) -> tuple[bool, str]:
        answer = self._ask("/connections/test", body(connection_id, fields))
        return bool(answer["status"]), str(answer["message"])

    def add_connection(self, connection_id: str, fields: Mapping[str, Any]) -> None:
        self._ask("/connections", body(connection_id, fields))

    def knows(self, dag_id: str) -> bool:
        return any(dag["dag_id"] == dag_id for dag in self._ask("/dags")["dags"])

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self._ask(f"/dags/{dag_id}/dagRuns/{urllib.request.quote(run_id)}")["state"])


class AirflowThree(_Server):
    """Airflow 3, whose every visitor is an administrator here."""

    def __init__(self, port: int) -> None:
        super().__init__(port, api="/api/v2")

    def ready(self) -> bool:
        try:
            token = json.loads(self._fetch("/auth/token"))["access_token"]
        except OSError:
            return False
        self._headers["Authorization"] = f"Bearer {token}"
        return True

    def form_fields(self, connection_type: str) -> dict[str, str]:
        forms = {form["connection_type"]: form for form in json.loads(self._fetch("/ui/connections/hook_meta"))}
        fields = forms[connection_type]["extra_fields"] or {}
        return {name: field["schema"]["title"] for name, field in fields.items()}

    def trigger(self, dag_id: str) -> str:
        return str(self._ask(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": {}})["dag_run_id"])


class AirflowTwo(_Server):
    """Airflow 2, whose administrator ``airflow standalone`` makes.

    :param home: Airflow's home, where the password is.
    """

    def __init__(self, port: int, *, home: Path) -> None:
        super().__init__(port, api="/api/v1")
        self._password = home / "standalone_admin_password.txt"

    def ready(self) -> bool:
        try:
            page = self._fetch("/login/")
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            if token is None:
                return False
            login = {"username": "admin", "password": self._password.read_text().strip(), "csrf_token": token[1]}
            self._fetch("/login/", data=urlencode(login).encode())
            self._ask("/dags")
        except OSError:
            return False
        return True

    def form_fields(self, connection_type: str) -> dict[str, str]:
        page = self._fetch("/connection/add")
        prefix = f"extra__{connection_type}__"
        labels = re.findall(rf'<label for="{prefix}(\w+)"[^>]*>(.*?)</label>', page, re.DOTALL)
        return {name: unescape(re.sub(r"<[^>]+>", "", label)).strip() for name, label in labels}

    def trigger(self, dag_id: str) -> str:
        return str(self._ask(f"/dags/{dag_id}/dagRuns", {"conf": {}})["dag_run_id"])


def body(connection_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A connection as the REST API takes it, where the extra is a text."""
    extra = fields.get("extra")
    texts = {} if extra is None else {"extra": extra if isinstance(extra, str) else json.dumps(extra)}
    return {"connection_id": connection_id, **fields, **texts}
