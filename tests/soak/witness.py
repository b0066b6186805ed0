"""The witness: a sandbox in a process of its own, which is never killed, and whose log is believed.

In a process of its own, because its clock judges rates and hours: what else the soak does must not hold it up.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from airflow_provider_callkaro.sandbox import (
    CallaroCampaign,
    Endpoint,
    MrAssistantCampaign,
    Request,
    Ring,
    Sandbox,
)

KINDNESS = -5  # before the cluster, where the soak may say so: a stamp that comes late would judge wrongly
STARTED_WITHIN = 60.0  # seconds
DIAL_SECONDS = 45.0  # a Callaro campaign runs so long that it can be paused while it does
CALL_SECONDS = 30.0  # of MrAssistant, so that there is a call to be transferred and ended
WITHOUT_BUDGET = "callkaro_alone"
"""The connection to a second account: a task without a SQL ledger cannot share a budget, and must not spoil one."""
WAITED_FOR = "one task"
"""How the names of the campaigns end whose task waits until somebody resumes what it paused and could not note."""
RINGING = (Endpoint.OUTBOUND, Endpoint.MRASSISTANT_CAMPAIGNS, Endpoint.MRASSISTANT_OUTBOUND, Endpoint.CALLARO_LAUNCH)
OTHERS = (
    Endpoint.CAMPAIGN,
    Endpoint.MRASSISTANT_TOKEN,
    Endpoint.CALLARO_CREATE,
    Endpoint.CALLARO_GET,
    Endpoint.CALLARO_PAUSE,
    Endpoint.CALLARO_RESUME,
    Endpoint.CALLARO_CLONE,
    Endpoint.CALLARO_CANCEL,
    Endpoint.CALLARO_RESULTS_EXPORT,
    Endpoint.CALLARO_CONTACTS_IMPORT,
)
FAILING = tuple(str(path) for path in (*RINGING, *OTHERS))
"""The endpoints that fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """All that the vendors have seen.

    :param requests: of the accounts with a budget.
    """

    rings: Sequence[Ring]
    requests: Sequence[Request]
    callaro_campaigns: Sequence[CallaroCampaign]
    mrassistant_campaigns: Sequence[MrAssistantCampaign]


class Witness:
    """The vendors of a soak, for the length of a ``with`` block. Used from one thread at a time.

    :ivar connections: the fields of the vendors' Airflow connections, by their ids.
    """

    def __enter__(self) -> Self:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        if not self._pipe.poll(STARTED_WITHIN):
            raise TimeoutError("the sandbox has not started")
        self.connections: Mapping[str, str] = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def fail(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Let these faults be on, and no others."""
        self._ask("fail", faults)

    def tell(self, url: str, headers: Mapping[str, str]) -> None:
        """Tell a receiver what becomes of the calls: late, in disorder, sometimes twice, sometimes not."""
        self._ask("tell", (url, headers))

    def resume_left_paused(self) -> list[str]:
        """Resume the Callaro campaigns whose task waits until somebody does. Returns their names."""
        names: list[str] = self._ask("resume", None)
        return names

    def testify(self) -> Testimony:
        """Say what was seen."""
        testimony: Testimony = self._ask("testify", None)
        return testimony

    def _ask(self, what: str, content: Any) -> Any:
        self._pipe.send((what, content))
        return self._pipe.recv()


def _serve(pipe: Connection) -> None:
    with contextlib.suppress(PermissionError):
        os.nice(KINDNESS)
    with (
        Sandbox(callaro_dial_seconds=DIAL_SECONDS, mrassistant_call_seconds=CALL_SECONDS) as sandbox,
        Sandbox() as alone,
    ):
        pipe.send({**sandbox.airflow_connections, WITHOUT_BUDGET: alone.airflow_connection})
        while True:
            what, content = pipe.recv()
            pipe.send(_answer(sandbox, alone, what, content))


def _answer(sandbox: Sandbox, alone: Sandbox, what: str, content: Any) -> Testimony | list[str] | None:
    match what:
        case "fail":
            for each in (sandbox, alone):
                each.clear_faults()
                for fault in content:
                    each.fault(**fault)
        case "tell":
            url, headers = content
            sandbox.webhook(
                url,
                vendor="callkaro",
                headers=headers,
                delay_seconds=1,
                disorder_seconds=5,
                duplicates=0.2,
                losses=0.1,
            )
        case "resume":
            left = [each for each in sandbox.callaro_campaigns if each.status == "paused"]
            waited_for = [each for each in left if each.name.endswith(WAITED_FOR)]
            for campaign in waited_for:
                _resume(sandbox, campaign.id)
            return [campaign.name for campaign in waited_for]
        case "testify":
            return Testimony(
                rings=[*sandbox.rings, *alone.rings],
                requests=sandbox.requests,
                callaro_campaigns=sandbox.callaro_campaigns,
                mrassistant_campaigns=sandbox.mrassistant_campaigns,
            )
    return None


def _resume(sandbox: Sandbox, campaign_id: int) -> None:
    connection = json.loads(sandbox.airflow_connections["callaro_default"])
    request = urllib.request.Request(
        f"{connection['host']}/api/v1/bulk_call_campaigns/{campaign_id}/resume",
        method="POST",
        headers={"X-Api-Key": connection["password"]},
    )
    with contextlib.suppress(OSError), urllib.request.urlopen(request):  # its task may have resumed it meanwhile
        pass
