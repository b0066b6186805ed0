"""What a run leaves in the audit trail of its SQL ledger: who started it, under which rules, and how it ended.

Only a SQL ledger has a trail. Nothing in it names a person who is called. A list stands there as its digest, and only
where the ledger has a key, because anybody can find a short list of numbers from an unkeyed digest.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_callkaro.calls.call import Call
from airflow_provider_callkaro.calls.masking import mask_text
from airflow_provider_callkaro.calls.outcome import Outcome
from airflow_provider_callkaro.calls.policy import CallingPolicy
from airflow_provider_callkaro.dispatch.tally import Summary
from airflow_provider_callkaro.exceptions import VoiceCallError
from airflow_provider_callkaro.ledger.audit.chain import Action, AuditMark, Seals
from airflow_provider_callkaro.ledger.audit.trail import SqlAudit, entry
from airflow_provider_callkaro.ledger.digests import LedgerKeys, Purpose
from airflow_provider_callkaro.ledger.run_record import RunRecord
from airflow_provider_callkaro.ledger.sql.scopes import scopes_of
from airflow_provider_callkaro.ledger.sql.values import digest
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep
from airflow_provider_callkaro.tasks.settings import ListSettings

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from sqlalchemy.engine import Engine

    from airflow_provider_callkaro.calls.window import ScheduleWindow


XCOM = "audit"
"""The XCom that holds the last line of the trail that this task has written, as ``place:digest``."""
_BY_AIRFLOW = re.compile(r"[a-z_]{1,40}__[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+[0-9]{2}:[0-9]{2}(_[A-Za-z0-9]{8})?")
_OUTCOMES = tuple(outcome.value for outcome in Outcome)
_AT_ONCE = 512  # texts that a digest takes in at once
log = logging.getLogger(__name__)


class Trail:
    """The audit trail, as one task writes it. ``keys``: of the ledger; None where it is kept in clear. ``run``: its
    name in the ledger."""

    def __init__(self, engine: Engine, *, keys: LedgerKeys | None, context: Context, run: str) -> None:
        self._engine = engine
        self._keys = keys
        self._context = context
        self._run = run
        self._list = None if keys is None else ListDigest()

    def started(self, settings: ListSettings, record: RunRecord, *, resumed: bool) -> None:
        """Say that the run starts. ``resumed``: the task comes back from the triggerer. Raises LedgerError if it could
        not be written; no call has been placed."""
        approved = approvals(self._context)
        with self._audit() as audit:
            mark = audit.append(
                entry(
                    Action.STARTED,
                    who=self._who(),
                    scopes=[scope.digits for scope in scopes_of(record.scopes)],
                    policy=policy_digest(settings.policy),
                    **policy_hours(settings.policy),
                    redial=sorted(settings.redialled),
                    **({"approved_by": approved} if approved else {}),
                    **({"resumed": True} if resumed else {}),
                )
            )
        self._leave(mark)

    def ended(self, summary: Summary) -> None:
        """Say how a pass through the list ended. An error here is only logged: the calls have been placed."""
        try:
            with self._audit() as audit:
                counts = {name: getattr(summary, name) for name in ("total", *_OUTCOMES, "dialled")}
                result = {"counts": counts, "reasons": dict(summary.reasons), "stopped": summary.stopped is not None}
                mark = audit.append(entry(Action.ENDED, who=self._who(), list=self._list_digest(), **result))
        except VoiceCallError as error:
            log.error("The audit trail lacks the end of this run: %s", error)
        else:
            self._leave(mark)

    def reading(self, read: Callable[[object], Call]) -> Callable[[object], Call]:
        """The reader of one pass, which takes note of the list where the ledger has a key."""
        if self._list is None:
            return read
        self._list = ListDigest()
        return self._list.of(read)

    def _list_digest(self) -> str | None:
        """The digest of the calls of the list in their order, but for rows that can be no calls."""
        if self._keys is None or self._list is None:
            return None
        return self._keys.first.digest(Purpose.AUDIT, f"list {self._list.hexdigest()}")

    @contextmanager
    def _audit(self) -> Iterator[SqlAudit]:
        with Upkeep(self._engine) as upkeep:
            audit = SqlAudit(upkeep, seals=None if self._keys is None else Seals(self._keys))
            audit.create()
            yield audit

    def _leave(self, mark: AuditMark) -> None:
        try:
            self._context["ti"].xcom_push(key=XCOM, value=str(mark))
        except Exception as error:
            log.warning("The last line of the audit trail could not be left in XCom (%s)", type(error).__name__)

    def _who(self) -> dict[str, Any]:
        ti, dag_run = self._context["ti"], self._context.get("dag_run")
        run_type = getattr(dag_run, "run_type", None)
        user = getattr(dag_run, "triggering_user_name", None)
        who = {
            "dag": mask_text(ti.dag_id),
            "task": mask_text(ti.task_id),
            "map_index": getattr(ti, "map_index", -1),
            "try": ti.try_number,
            "run": self._run_digest(),
            "run_type": None if run_type is None else str(getattr(run_type, "value", run_type)),
            "user": None if user is None else mask_text(str(user)),
        }
        if _BY_AIRFLOW.fullmatch(ti.run_id):  # a name that somebody gave may say anything, a number too
            who["run_id"] = ti.run_id
        return {name: value for name, value in who.items() if value is not None}

    def _run_digest(self) -> str:
        return digest(self._run) if self._keys is None else self._keys.first.digest(Purpose.RUN, self._run)


class ListDigest:
    """The digest of the calls of a list, in their order. It takes them in by the hundred, because each step costs."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._waiting: list[str] = []

    def of(self, read: Callable[[object], Call]) -> Callable[[object], Call]:
        """The reader of rows that takes note of each call."""
        waiting = self._waiting

        def noted(row: object) -> Call:
            call = read(row)
            waiting.append(call.to_number)
            waiting.append(call.key)
            if len(waiting) >= _AT_ONCE:
                self._take_in()
            return call

        return noted

    def hexdigest(self) -> str:
        """Of what was read by now."""
        self._take_in()
        return self._digest.hexdigest()

    def _take_in(self) -> None:
        if self._waiting:
            self._digest.update(("\0".join(self._waiting) + "\0").encode("utf-8", "surrogatepass"))
            self._waiting.clear()


def policy_digest(policy: CallingPolicy | None) -> str | None:
    """The digest of a policy without the people it suppresses; None where there is no policy."""
    return None if policy is None else digest(repr(policy))


def policy_hours(policy: CallingPolicy | None) -> dict[str, Any]:
    """The windows of a policy and their zone, which the board draws; nothing where there is no policy."""
    if policy is None:
        return {}
    return {
        "windows": [str(window) for window in cast("tuple[ScheduleWindow, ...]", policy.windows)],
        "zone": policy.timezone,
    }


def approvals(context: Context) -> list[str]:
    """Who has approved the run in an ``ApprovalOperator`` upstream of the task (Airflow 3.1 and later)."""
    task: Any = context.get("task")
    if getattr(task, "dag", None) is None:
        return []
    tasks = [task.dag.task_dict.get(task_id) for task_id in sorted(task.get_flat_relative_ids(upstream=True))]
    names = (each.task_id for each in tasks if "ApprovalOperator" in {kind.__name__ for kind in type(each).__mro__})
    return [_approver(context["ti"].xcom_pull(task_ids=task_id)) for task_id in names]


def _approver(answer: object) -> str:
    """Who has answered, from the XCom of the approval."""
    user = answer.get("responded_by_user") if isinstance(answer, Mapping) else None
    name = user.get("name") or user.get("id") if isinstance(user, Mapping) else None
    return mask_text(str(name)) if name else "nobody: it was approved by default"
