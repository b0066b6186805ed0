"""Which runs place calls in which campaign of a vendor, as the runs themselves have noted it beside the ledger."""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.engine import Connection

from airflow_provider_callkaro.board.ledgers import BoardLedger
from airflow_provider_callkaro.board.task_runs import TaskRun
from airflow_provider_callkaro.ledger.sql.session import execute
from airflow_provider_callkaro.ledger.sql.table import CAMPAIGNS_TABLE


def campaigns_of(ledger: BoardLedger, runs: Sequence[TaskRun]) -> list[str]:
    """The campaigns of these runs, by the vendor's ids."""
    if not ledger.upkeep.has(CAMPAIGNS_TABLE):
        return []
    query = f"SELECT DISTINCT campaign_id FROM {CAMPAIGNS_TABLE} WHERE scope = :scope AND run IN :runs"
    places = ledger.rows_of(ledger.known(runs))

    def read(connection: Connection) -> set[str]:
        return {
            str(campaign)
            for place in places
            for campaign in execute(connection, query, scope=place.scope.digits, runs=list(place.runs)).scalars()
        }

    return sorted(ledger.upkeep.read(read))


def runs_in(
    ledger: BoardLedger, campaign: str, *, dag_id: str, latest: Callable[[], Iterable[TaskRun]]
) -> list[TaskRun]:
    """The runs of one DAG that place calls in a campaign.

    :param latest: the DAG's latest task instances, among which those of a keyed ledger are looked for: it keeps no
        names.
    """
    if not ledger.upkeep.has(CAMPAIGNS_TABLE):
        return []
    query = f"SELECT run FROM {CAMPAIGNS_TABLE} WHERE campaign_id = :campaign"
    texts = ledger.upkeep.read(
        lambda connection: frozenset(map(str, execute(connection, query, campaign=campaign).scalars()))
    )
    if ledger.upkeep.is_keyed:
        return [run for run in latest() if texts.intersection(run.texts(ledger.keys))]
    found = (_named(text, dag_id) for text in sorted(texts) if text.startswith(f"{dag_id}/"))
    return [run for run in found if run is not None]


def _named(text: str, dag_id: str) -> TaskRun | None:
    """The task instance of a name in the ledger; None for a name that is cut."""
    run_id, _, rest = text.removeprefix(f"{dag_id}/").rpartition("/")
    run_id, _, task_id = run_id.rpartition("/")
    if not run_id or not rest.removeprefix("-").isdecimal():
        return None
    run = TaskRun(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=int(rest))
    return run if text in run.texts(None) else None
