"""Airflow's REST API, as far as a test needs it: one call, one answer, and an error that says what was refused."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from .settings import LOOPBACK

ANSWER_WITHIN = 120.0  # seconds; a busy machine answers late
PAGE = 100  # entries; the most that Airflow gives at once by default, [api] maximum_page_limit


class NoAnswer(RuntimeError):
    """The API server did not answer: it is starting, it has ended, or it is too busy."""


class Refused(RuntimeError):
    """Airflow answered a request with an error.

    :param status: the HTTP status.
    """

    def __init__(self, *, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path} was answered with {status}: {body[:2_000]}")
        self.status = status


def path_of(*segments: str | int) -> str:
    """Join segments to a path; run ids hold ``+`` and ``:``, so each is quoted."""
    return "/" + "/".join(quote(str(segment), safe="") for segment in segments)


class Rest:
    """Talks to one API server as its administrator.

    :param port: where the API server listens on loopback.
    :ivar login: name and password, where not everybody who asks is the administrator.
    """

    def __init__(self, *, port: int) -> None:
        self.port = port
        self.login: tuple[str, str] | None = None
        self._token: str | None = None

    def healthy(self) -> bool:
        """Say whether the API server answers and has heard from scheduler, triggerer and DAG processor."""
        try:
            health = self._exchange("GET", "/api/v2/monitor/health", body=None, headers={})
        except (NoAnswer, Refused):
            return False
        return all(part["status"] == "healthy" for part in health.values())

    def get(self, *segments: str | int, **query: Any) -> Any:
        """GET ``/api/v2/<segments>?<query>`` and return the JSON answer."""
        return self.call("GET", path_of(*segments), query=query)

    def entries(self, *segments: str | int, of: str, **query: Any) -> list[dict[str, Any]]:
        """GET every page of a list.

        :param of: the field of the answer that holds the entries.
        """
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(*segments, limit=PAGE, offset=len(found), **query)[of]
            found += page
            if len(page) < PAGE:
                return found

    def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Send one request below ``/api/v2``.

        :param path: begins with a slash; see :func:`path_of`.
        :returns: the JSON answer, ``None`` if it is empty.
        :raises Refused: if the status is not a success.
        :raises NoAnswer: if there is no response.
        """
        if self._token is None:
            self._token = self.token(self.login)
        headers = {"Authorization": f"Bearer {self._token}"}
        target = f"/api/v2{path}" + (f"?{urlencode(query)}" if query else "")
        return self._exchange(method, target, body=body, headers=headers)

    def token(self, login: tuple[str, str] | None) -> str:
        """A token of a user, by name and password, or of the administrator that everybody is."""
        if login is None:
            answer = self._exchange("GET", "/auth/token", body=None, headers={})
        else:
            name, password = login
            answer = self._exchange("POST", "/auth/token", body={"username": name, "password": password}, headers={})
        token: str = answer["access_token"]
        return token

    def _exchange(self, method: str, target: str, *, body: Any, headers: Mapping[str, str]) -> Any:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=ANSWER_WITHIN)
        try:
            connection.request(
                method,
                target,
                body=None if body is None else json.dumps(body),
                headers={"Accept": "application/json", "Content-Type": "application/json", **headers},
            )
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as failure:
            raise NoAnswer(f"{method} {target} was not answered: {failure!r}") from failure
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise Refused(method=method, path=target, status=response.status, body=text)
        return json.loads(text) if text else None
