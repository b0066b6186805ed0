"""One poll of a ledger's database for all that wait for outcomes in it, however many they are.

A triggerer may hold thousands of waiting tasks. Those that wait for one database ask here, and each round is one
statement that answers all of them. A round counts: it places no call and settles none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from airflow_provider_callkaro.outcomes.counting import OutcomeCounts, Question
    from airflow_provider_callkaro.outcomes.store import OutcomeStore

log = logging.getLogger(__name__)


class OutcomePolling:
    """The rounds for one database in one event loop. It begins with the first question, and ends when nobody asks.

    :param ledger_conn_id: the Airflow connection of the ledger.
    """

    _of_loops: ClassVar[dict[tuple[int, str], OutcomePolling]] = {}

    def __init__(self, ledger_conn_id: str) -> None:
        self._ledger_conn_id = ledger_conn_id
        self._asked: list[_Asked] = []
        self._came = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outcomes")
        self._store: OutcomeStore | None = None
        self._engine: Engine | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def ask(cls, ledger_conn_id: str, questions: Sequence[Question], *, within: float) -> Sequence[OutcomeCounts]:
        """The answer of the next round to each question.

        :param within: seconds until the next round at the latest; an earlier one that others want answers too.
        :raises ConfigurationError: the connection is not to a SQL database.
        :raises LedgerError: the database does not answer; another round may.
        """
        place = (id(asyncio.get_running_loop()), ledger_conn_id)
        polling = cls._of_loops.get(place)
        if polling is None:
            polling = cls._of_loops[place] = cls(ledger_conn_id)
            polling._task = asyncio.create_task(polling._run(place))
        return await polling._answer(questions, within=within)

    async def _answer(self, questions: Sequence[Question], *, within: float) -> Sequence[OutcomeCounts]:
        loop = asyncio.get_running_loop()
        asked = _Asked(questions, due=loop.time() + within, answer=loop.create_future())
        self._asked.append(asked)
        self._came.set()
        return await asked.answer

    async def _run(self, place: tuple[int, str]) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting():
                self._came.clear()
                seconds = min(one.due for one in self._waiting()) - loop.time()
                if seconds > 0:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._came.wait(), seconds)
                    continue  # somebody else may have asked, or given up
                await self._round()
                await asyncio.sleep(0)  # whoever was answered may ask again
        finally:
            del self._of_loops[place]
            for one in self._waiting():
                one.answer.cancel()
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    def _waiting(self) -> list[_Asked]:
        self._asked = [one for one in self._asked if not one.answer.done()]
        return self._asked

    async def _round(self) -> None:
        from asgiref.sync import sync_to_async

        asked = self._waiting()
        questions = list(dict.fromkeys(question for one in asked for question in one.questions))
        count = sync_to_async(self._count, thread_sensitive=False, executor=self._thread)
        try:
            counts = dict(zip(questions, await count(questions), strict=True))
        except Exception as error:
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one in asked:
            if not one.answer.done():
                one.answer.set_result([counts[question] for question in one.questions])

    def _count(self, questions: Sequence[Question]) -> Sequence[OutcomeCounts]:
        """In the thread, which alone uses the store."""
        try:
            return self._opened().answer(questions)
        except BaseException:
            self._close()  # the next round reads the connection anew
            raise

    def _opened(self) -> OutcomeStore:
        if self._store is None:
            from airflow_provider_callkaro.hooks.ledger import ledger_keys, sql_engine
            from airflow_provider_callkaro.outcomes.store import OutcomeStore

            self._engine = sql_engine(self._ledger_conn_id)
            self._store = OutcomeStore(self._engine, keys=ledger_keys(self._ledger_conn_id))
            self._store.__enter__()
        return self._store

    def _close(self) -> None:
        store, engine, self._store, self._engine = self._store, self._engine, None, None
        with suppress(Exception):
            if store is not None:
                store.__exit__()
            if engine is not None:
                engine.dispose()


class _Asked:
    """Questions that somebody waits for. ``due``: by the event loop's clock."""

    __slots__ = ("answer", "due", "questions")

    def __init__(
        self, questions: Sequence[Question], *, due: float, answer: asyncio.Future[Sequence[OutcomeCounts]]
    ) -> None:
        self.questions = questions
        self.due = due
        self.answer = answer
