"""Whoever waits for outcomes is answered together with all others, by one statement."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy
from placed_calls import SCOPE, Ledger, event

from airflow_provider_callkaro.calls.disposition import Disposition
from airflow_provider_callkaro.outcomes.counting import Question
from airflow_provider_callkaro.outcomes.selection import Selection

DAY = timedelta(days=1)


def test_many_questions_are_one_statement_and_each_gets_its_own_answer(ledger: Ledger) -> None:
    ledger.place(range(3))
    Ledger(ledger.engine, scope="tuesday", run="outreach/calls@tuesday").place([7])
    ledger.record(event(0), event(7, disposition=Disposition.VOICEMAIL))
    scopes = [SCOPE, "tuesday", *(f"no scope {place}" for place in range(48))]
    questions = [Question(selection=Selection(scope=scope), unresolved_after=DAY) for scope in scopes]
    said: list[str] = []
    with ledger.store() as store:
        sqlalchemy.event.listen(ledger.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
        answers = store.answer(questions)
    assert len([statement for statement in said if "voice_call_ledger" in statement]) == 1
    assert [(answer.accepted, answer.outcomes) for answer in answers[:3]] == [
        (3, {Disposition.REACHED: 1}),
        (1, {Disposition.VOICEMAIL: 1}),
        (0, {}),
    ]


def test_more_questions_than_one_statement_takes_are_answered_too(ledger: Ledger) -> None:
    ledger.place(range(2))
    questions = [Question(selection=Selection(scope=SCOPE), unresolved_after=DAY * (place + 1)) for place in range(250)]
    with ledger.store() as store:
        assert {answer.accepted for answer in store.answer(questions)} == {2}
