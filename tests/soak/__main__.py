"""``python -m tests.soak``: the soak from its first process to its account; see `make soak` in CONTRIBUTING.md."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_callkaro.sandbox import Endpoint
from tests.soak.account import Account, judge_campaigns, judge_hours, judge_rate, judge_rings, judge_rows, judge_singles
from tests.soak.brokers import BROKERS
from tests.soak.cluster import Cluster, airflow_connections, receiver_url
from tests.soak.databases import Postgres
from tests.soak.evidence import gather, numbers_logged
from tests.soak.faults import Faults
from tests.soak.lists import DAGS, Run
from tests.soak.plan import Plan, make_plan
from tests.soak.programs import MARK, kill_all_of
from tests.soak.settling import settle
from tests.soak.traffic import SCHEMA, Traffic
from tests.soak.witness import FAILING, Witness

log = logging.getLogger("soak")

OPEN_MINUTES, CLOSED_MINUTES = 2, 1  # the hours: phones may ring for two minutes, and then not for one
HOURS_BEYOND = timedelta(minutes=50)  # how far the hours go on behind the faults, for the runs that are left
SETTLED_WITHIN = 1_200.0  # seconds after the faults
RUNS_PER_MINUTE = 20  # more than the cluster ends
BACKFILLED_DAYS = 4
CALLS_PER_SECOND, CALLS_IN_FLIGHT = 20, 12  # the budget of CallKaro's account: less than its tasks want together
BUDGET = {"calls_per_second": CALLS_PER_SECOND, "max_concurrency": CALLS_IN_FLIGHT}
AGENTS_OF_THE_HOURS = ("agent-of-the-hours",)
CHECKED = "numbers in no log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak. Returns the exit status: 0 where every promise held, else 1."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("soak").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _leave)
    brokers = list(BROKERS) if options.broker == "both" else [options.broker]
    statuses = [_soak(broker, seconds=options.minutes * 60 / len(brokers), seed=options.seed) for broker in brokers]
    return max(statuses)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of faults, shared by the brokers (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same plan (%(default)s)")
    parser.add_argument("--broker", choices=[*BROKERS, "both"], default="redis", help="(%(default)s)")
    return parser


def _leave(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _soak(broker_name: str, *, seconds: float, seed: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="callkaro-soak-"))
    folder.chmod(0o755)  # the databases' users must come through
    os.environ[MARK] = str(folder)
    log.info("Soak over %s: %.1f minutes of faults, seed %d, in %s", broker_name, seconds / 60, seed, folder)
    plan = make_plan(
        seed=seed,
        seconds=seconds,
        dags=sorted(DAGS),
        runs=int(seconds / 60 * RUNS_PER_MINUTE) + len(DAGS),
        paths=FAILING,
    )
    try:
        account = _run(broker_name, plan, seconds=seconds, folder=folder)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing may be left, however impatient somebody is
        kill_all_of(str(folder))
        signal.signal(signal.SIGTERM, _leave)
    _show(account, broker=broker_name, seed=seed)
    if account.findings:
        log.info("The logs are kept in %s", folder)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _run(broker_name: str, plan: Plan, *, seconds: float, folder: Path) -> Account:
    logs, reports = folder / "logs", folder / "reports"
    logs.mkdir()
    reports.mkdir()
    (reports / "contacts.csv").write_text("phone,name\n+12025550101,Somebody\nno number,Nobody\n")
    hours = _hours(datetime.now(UTC), seconds)
    database = Postgres(folder, logs=logs)
    broker = BROKERS[broker_name](folder, logs=logs)
    with Witness() as witness:
        database.create()
        broker.start()
        for statement in SCHEMA:
            database.run(statement, database="warehouse")
        environment = {
            **airflow_connections(witness.connections, database=database, budget=BUDGET),
            "SOAK_REPORTS": str(reports),
            "SOAK_HOURS": ",".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in hours),
        }
        cluster = Cluster(folder, database=database, broker=broker, environment=environment, logs=logs)
        began = time.monotonic()
        cluster.start()
        for dag_id in DAGS:
            cluster.wait_until_parsed(dag_id)
        log.info("Airflow is healthy after %.0f s", time.monotonic() - began)
        secret = environment["SOAK_WEBHOOK_SECRET"]
        witness.tell(receiver_url(cluster), {"X-CallKaro-Webhook-Secret": secret})
        traffic = Traffic(cluster=cluster, dag_ids=plan.runs, days=BACKFILLED_DAYS)
        faults = _fight(cluster, witness, traffic, plan, seconds=seconds)
        began = time.monotonic()

        def be_on_duty() -> None:
            cluster.tend()
            for name in witness.resume_left_paused():
                log.info("Campaign %s was paused: it is resumed", name)

        states = settle(cluster, traffic.started, within=SETTLED_WITHIN, tend=be_on_duty)
        log.info("Settled after %.0f s: %s", time.monotonic() - began, dict(Counter(states.values())))
        account = _judge(cluster, witness, traffic.started, states, hours=hours, reports=reports)
        hits = Counter(blow.harm for blow, hit in faults.dealt if hit != "nothing")
        account.figures["blows"] = f"{hits.total()} of {len(hits)} kinds"
        cluster.stop()
        broker.program.kill()
        database.program.kill()
    return account


def _hours(now: datetime, seconds: float) -> list[tuple[datetime, datetime]]:
    """The hours of the soak, on whole minutes."""
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=OPEN_MINUTES)
    ends = now + timedelta(seconds=seconds) + HOURS_BEYOND
    found = []
    while start < ends:
        found.append((start, start + timedelta(minutes=OPEN_MINUTES)))
        start += timedelta(minutes=OPEN_MINUTES + CLOSED_MINUTES)
    return found


def _fight(cluster: Cluster, witness: Witness, traffic: Traffic, plan: Plan, *, seconds: float) -> Faults:
    """Start runs, and deal the blows and the storms of the plan in time; afterwards all is whole again."""
    faults = Faults(cluster)
    traffic.start()
    began = time.monotonic()
    deeds: list[tuple[float, Callable[[], object]]] = [
        *((blow.at, lambda blow=blow: faults.deal(blow)) for blow in plan.blows),
        *((storm.at, lambda storm=storm: witness.fail(storm.faults)) for storm in plan.storms),
    ]
    deeds.sort(key=lambda deed: deed[0])
    while (now := time.monotonic() - began) < seconds:
        faults.undo_what_is_due()
        while deeds and deeds[0][0] <= now:
            deeds.pop(0)[1]()
        for name in cluster.tend():
            log.info("%5.0f s  %s had ended, and is started again", now, name)
        time.sleep(0.2)
    log.info("The faults are over")
    faults.undo_all()
    witness.fail([])
    cluster.database.start()
    cluster.broker.start()
    traffic.stop()
    return faults


def _judge(
    cluster: Cluster,
    witness: Witness,
    runs: Sequence[Run],
    states: dict[str, str],
    *,
    hours: Sequence[tuple[datetime, datetime]],
    reports: Path,
) -> Account:
    runs = [run for run in runs if states[run.run_id] != "never started"]
    testimony = witness.testify()
    account = Account()
    account.figures["runs"] = dict(Counter(states.values()))
    judge_rings(account, testimony, runs)
    spans = [(start.timestamp(), end.timestamp()) for start, end in hours]
    judge_hours(account, testimony.rings, agents=AGENTS_OF_THE_HOURS, spans=spans)
    judge_rows(account, gather(cluster, runs, reports=reports), testimony.rings)
    judge_singles(account, testimony.rings, [run for run in runs if states[run.run_id] == "success"])
    judge_campaigns(account, testimony, runs)
    judge_rate(account, testimony, path=Endpoint.OUTBOUND, rate=CALLS_PER_SECOND, in_flight=CALLS_IN_FLIGHT)
    for run in runs:
        if states[run.run_id] not in ("success", "failed for good"):
            account.wrong("every run ends", f"{run.run_id} of {run.dag.dag_id} is still {states[run.run_id]}")
    for place in numbers_logged(cluster.home.glob("logs/**/*.log")):
        account.wrong(CHECKED, place)
    return account


def _show(account: Account, *, broker: str, seed: int) -> None:
    lines = [f"Soak over {broker}, seed {seed}", ""]
    lines += [f"  {name:<28}{value}" for name, value in account.figures.items()]
    for promise, findings in account.findings.items():
        lines += ["", f"BROKEN: {promise} ({len(findings)})", *(f"  {sentence}" for sentence in findings[:10])]
    lines += ["", "Every promise held." if not account.findings else "Some promise was broken."]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
