"""The people of the soak: each run of a DAG has lists of its own, and no number is in two of them.

So no number may ring twice, whatever happens, and each report is known line by line before its run begins. A list holds
rows that nobody can dial too, and some people twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TWICE_EVERY = 9  # each ninth person stands in the list once more
UNREADABLE = ("", "no number")  # rows of every list
LISTS_PER_RUN = 4
PEOPLE_PER_LIST = 2_499  # at most: a run has ten thousand numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactList:
    """One list of one run.

    :param run: the run's number, 0 to 9999.
    :param place: which list of the run, 0 to 3.
    :param people: how many numbers it has.
    """

    run: int
    place: int
    people: int

    @property
    def numbers(self) -> list[str]:
        """The numbers, E.164: Indian mobiles that are made up."""
        first = self.place * 2_500
        return [f"+919{self.run:04d}{first + person:05d}" for person in range(self.people)]

    @property
    def phones(self) -> list[str]:
        """The column of numbers as it stands in the list: one per row."""
        return [*self.numbers, *UNREADABLE, *self.numbers[::TWICE_EVERY]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTask:
    """A task that calls a list.

    :param place: which list of its run.
    :param people: how many it calls.
    :param shards: over how many mapped tasks its list is spread; None: it is not mapped.
    """

    task_id: str
    place: int
    people: int
    shards: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DagOfTheSoak:
    """What the account has to know of a DAG.

    :param lists: its tasks that call lists.
    :param combined: its tasks that combine what the shards of a list have told: each tells of the whole list.
    :param singles: how many numbers of its run's conf it may ring, each at most once.
    :param rung: how many of these, from the first on, a run has rung that succeeds.
    :param launches: how many of the vendor's campaigns a run launches.
    """

    dag_id: str
    lists: Sequence[ListTask] = ()
    combined: Sequence[ListTask] = ()
    singles: int = 0
    rung: int = 0
    launches: int = 0


SINGLES_FROM = 9_000  # where the numbers of a run's conf begin, behind its lists' own


def conf_numbers(*, run: int, singles: int) -> list[str]:
    """The numbers that a run is given in its conf."""
    return [f"+919{run:04d}{10_000 + SINGLES_FROM + person:05d}" for person in range(singles)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a DAG that the soak has asked for.

    :param number: which numbers are its own.
    """

    dag: DagOfTheSoak
    run_id: str
    number: int

    def contact_list(self, place: int) -> ContactList:
        """The list of one of its tasks."""
        task = next(each for each in self.dag.lists if each.place == place)
        return ContactList(run=self.number, place=place, people=task.people)

    @property
    def conf_numbers(self) -> list[str]:
        """The numbers that its conf names."""
        return conf_numbers(run=self.number, singles=self.dag.singles)


DAGS: Mapping[str, DagOfTheSoak] = {
    dag.dag_id: dag
    for dag in (
        DagOfTheSoak(dag_id="callkaro_list", lists=[ListTask(task_id="calls", place=0, people=200)]),
        DagOfTheSoak(
            dag_id="callkaro_shards",
            lists=[ListTask(task_id="calls", place=0, people=300, shards=3)],
            combined=[ListTask(task_id="together", place=0, people=300)],
        ),
        DagOfTheSoak(dag_id="callkaro_hours", lists=[ListTask(task_id="calls", place=0, people=300)]),
        DagOfTheSoak(dag_id="callkaro_task_state", lists=[ListTask(task_id="calls", place=0, people=120)]),
        DagOfTheSoak(dag_id="callkaro_function", lists=[ListTask(task_id="calls", place=0, people=120)]),
        DagOfTheSoak(dag_id="callkaro_outcomes", lists=[ListTask(task_id="calls", place=0, people=100)]),
        DagOfTheSoak(dag_id="callkaro_single", singles=2, rung=1),
        DagOfTheSoak(dag_id="callaro_steps", singles=6, rung=5, launches=2),
        DagOfTheSoak(dag_id="callaro_one_task", singles=5, rung=5, launches=1),
        DagOfTheSoak(dag_id="callaro_import"),
        DagOfTheSoak(dag_id="mrassistant_campaigns", lists=[ListTask(task_id="calls", place=0, people=120)]),
        DagOfTheSoak(
            dag_id="mrassistant_shards",
            lists=[ListTask(task_id="calls", place=0, people=120, shards=2)],
            combined=[ListTask(task_id="together", place=0, people=120)],
            singles=1,
            rung=1,
        ),
    )
}
"""The DAGs that the traffic starts by hand."""
BACKFILLED = DagOfTheSoak(dag_id="callkaro_backfilled", lists=[ListTask(task_id="calls", place=0, people=60)])
"""The DAG that one backfill runs for several days."""


def list_name(*, run_id: str, task_id: str) -> str:
    """Under which name a list stands in the warehouse."""
    return f"{run_id} {task_id}"
