"""``airflow callkaro ledger …``: one function for each command; it returns False if something is not in order."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_callkaro.commands.opening import OpenLedger, open_ledger, spellings_of
from airflow_provider_callkaro.commands.output import counted, show_result, show_rows
from airflow_provider_callkaro.commands.person import asked_number
from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.ledger.audit.chain import Action
from airflow_provider_callkaro.ledger.audit.trail import entry
from airflow_provider_callkaro.ledger.contract import EntryState
from airflow_provider_callkaro.ledger.digests import FIELD
from airflow_provider_callkaro.ledger.sql.keys import open_names
from airflow_provider_callkaro.ledger.sql.table import TABLE
from airflow_provider_callkaro.ledger.upkeep.carry_over import carry_over as carry_ledger_over
from airflow_provider_callkaro.ledger.upkeep.contents import findings, key_findings, scopes_held
from airflow_provider_callkaro.ledger.upkeep.persons import Erased, Erasures, HeldCall, Persons, Resolution
from airflow_provider_callkaro.ledger.upkeep.retention import Pruned, Retention
from airflow_provider_callkaro.tasks.ledgers import earlier_spellings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_SPAN = re.compile(r"([0-9]{1,6})\s*([hdw])", re.IGNORECASE)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def show(arguments: Namespace) -> None:
    """The scopes of a ledger, or calls of it."""
    with open_ledger(arguments) as ledger:
        persons = Persons(ledger.upkeep)
        if arguments.person:
            texts = ledger.texts_of(asked_number(None, arguments))
            calls = persons.calls_to(texts, scope=arguments.scope)
            if arguments.state is not None:
                calls = [call for call in calls if call.state == arguments.state]
            _show_calls(calls[: arguments.limit], arguments, nothing="the ledger has no such call to this number")
        elif arguments.state is not None:
            state = EntryState(arguments.state)
            calls = persons.calls_that_are(state, scope=arguments.scope, limit=arguments.limit)
            _show_calls(calls, arguments, nothing=f"no call is {state}")
        else:
            _show_scopes(ledger, arguments)


def summary(arguments: Namespace) -> None:
    """What became of calls, made again from the ledger."""
    from airflow_provider_callkaro.outcomes.store import OutcomeStore

    span = read_span(arguments.unresolved_after, name="--unresolved-after")
    with open_ledger(arguments) as ledger, OutcomeStore(ledger.engine, keys=ledger.keys) as store:
        found = store.summary(
            scope=arguments.scope, campaign=arguments.campaign, run=arguments.run, unresolved_after=span
        )
    show_rows(found.lines(), output=arguments.output, nothing="the ledger has no such call")


def resolve(arguments: Namespace) -> None:
    """Settle one unknown call with what a person has found out."""
    resolution = Resolution(arguments.resolution)
    if arguments.call and arguments.person:
        raise ConfigurationError("--call and --person both say which call: give one of them")
    with open_ledger(arguments) as ledger:
        persons = Persons(ledger.upkeep)
        id_ = arguments.call or _the_unknown_one(ledger, persons, arguments)
        ledger.audit.create()
        line = entry(Action.RESOLVED, who=ledger.who, call=id_, resolution=resolution)

        def settle(connection: Connection) -> None:
            if not ledger.audit.has_in(connection, line):  # or the answer to this very commit was lost
                persons.resolve_in(connection, id_, resolution)
                ledger.audit.append_in(connection, line)

        ledger.upkeep.write(settle)
        what = {
            Resolution.CALLED: "counts as accepted, and is never rung again in its scope",
            Resolution.FREE: "is forgotten: the next run may ring the person",
        }[resolution]
        show_result({"call": id_, "resolved": resolution}, output=arguments.output, sentence=f"call {id_} {what}")


def prune(arguments: Namespace) -> None:
    """Forget scopes that are no longer in use."""
    older_than = read_span(arguments.older_than, name="--older-than")
    longest_cap = None if arguments.longest_cap is None else read_span(arguments.longest_cap, name="--longest-cap")
    with open_ledger(arguments) as ledger:
        retention = Retention(ledger.upkeep, older_than=older_than)
        retention.create()
        plan = retention.plan(keep_open=arguments.keep_open_scopes, longest_cap=longest_cap)
        pruned = Pruned(scopes=len(plan.scopes), rows=plan.rows, runs=0)
        if not arguments.dry_run:
            ledger.audit.create()
            span = arguments.older_than
            ledger.audit.append(entry(Action.PRUNING, who=ledger.who, older_than=span, **asdict(pruned)))
            pruned = retention.prune(plan)
            ledger.audit.append(entry(Action.PRUNED, who=ledger.who, older_than=span, **asdict(pruned)))
        done = "would forget" if arguments.dry_run else "forgot"
        rows, scopes = counted(plan.kept_rows, "older row"), counted(len(plan.kept), "open scope")
        kept = f"; kept {rows} of {scopes}" if plan.kept else ""
        show_result(
            {**asdict(pruned), "kept_scopes": len(plan.kept), "kept_rows": plan.kept_rows},
            output=arguments.output,
            sentence=f"{done} {counted(pruned.scopes, 'scope')} with {counted(pruned.rows, 'row')}{kept}",
        )


def erase(arguments: Namespace) -> None:
    """Erase a person for good."""
    with open_ledger(arguments) as ledger:
        if ledger.keys is None:
            raise ConfigurationError(
                "nobody can be erased from a ledger without a key, because the digest that is left of them would be "
                f'their number: set "{FIELD}" in the extra of connection "{arguments.conn_id}" (docs/ledger.md)'
            )
        digits = spellings_of(asked_number(arguments.number, arguments))
        names = open_names(ledger.upkeep.session, dialect=ledger.upkeep.dialect, keys=ledger.keys, table=TABLE)
        ledger.upkeep.detect_keys()
        ledger.audit.create()
        erasures = Erasures(ledger.upkeep, names=names)
        line = entry(Action.ERASED, who=ledger.who)

        def take_out(connection: Connection) -> Erased:
            erased = erasures.erase_in(connection, digits)
            counts = {"calls": erased.calls, "rows": erased.rows, "is_new": erased.is_new}
            ledger.audit.append_in(connection, replace(line, what=counts))
            return erased

        erased = ledger.upkeep.write(take_out)
    under_way = f"; {erased.under_way} of them may be ringing right now" if erased.under_way else ""
    known = "" if erased.is_new else "; the person had been erased before"
    show_result(
        {"erased": True, "calls": erased.calls, "under_way": erased.under_way, "known": not erased.is_new},
        output=arguments.output,
        sentence=f"took out {counted(erased.calls, 'call')}, and nobody rings the person again{under_way}{known}",
    )


def carry_over(arguments: Namespace) -> bool:
    """Replace what is in clear by digests under the connection's key; False while calls of some rows may be ringing."""
    with open_ledger(arguments) as ledger:
        if ledger.keys is None:
            raise ConfigurationError(
                f'there is no key to carry over to: set "{FIELD}" in the extra of connection "{arguments.conn_id}"'
            )
        done = carry_ledger_over(ledger.engine, ledger.keys, legacy=earlier_spellings())
        ledger.audit.create()
        counts = {"rows": done.rows, "runs": done.runs, "left": done.left, "key": ledger.keys.first.id}
        ledger.audit.append(entry(Action.CARRIED_OVER, who=ledger.who, **counts))
    left = f"; {counted(done.left, 'row')} may be ringing: carry over again in an hour" if done.left else ""
    show_result(
        {"rows": done.rows, "runs": done.runs, "left": done.left},
        output=arguments.output,
        sentence=f"put {counted(done.rows, 'row')} and {counted(done.runs, 'run')} under digests{left}",
    )
    return not done.left


def check(arguments: Namespace) -> bool:
    """Check whether the ledger is in order."""
    with open_ledger(arguments) as ledger:
        found = [*findings(ledger.upkeep), *key_findings(ledger.upkeep, ledger.keys)]
    rows = [{"what": each.what, "found": each.found, "advice": each.advice} for each in found]
    show_rows(rows, output=arguments.output, nothing="")
    return not any(each.advice for each in found)


def read_span(text: str, *, name: str) -> timedelta:
    """A span of time as it is typed: ``400d``, ``12w``, ``36h``. ``name``: of the option, for the message. Raises
    ConfigurationError if it is none."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{name} takes a number and a unit, such as 400d, 12w or 36h")
    return int(match[1]) * _UNITS[match[2].lower()]


def _the_unknown_one(ledger: OpenLedger, persons: Persons, arguments: Namespace) -> str:
    """The id of a person's only unknown call. Raises ConfigurationError if there is none, or more than one."""
    if not arguments.person:
        raise ConfigurationError("say which call: --call with its id (ledger show has it), or --person for its number")
    calls = persons.calls_to(ledger.texts_of(asked_number(None, arguments)), scope=arguments.scope)
    unknown = [call for call in calls if call.state is EntryState.UNKNOWN or call.may_be_ringing]
    if len(unknown) == 1:
        return unknown[0].id
    if not unknown:
        raise ConfigurationError("no call to this number is unknown" + (" in this scope" if arguments.scope else ""))
    raise ConfigurationError(
        f"{len(unknown)} calls to this number are unknown: name one with --call, or its scope with --scope"
    )


def _show_calls(calls: list[HeldCall], arguments: Namespace, *, nothing: str) -> None:
    rows = [
        {
            "call": call.id,
            "scope": call.scope,
            "state": call.state,
            "may be ringing": call.may_be_ringing,
            "reason": call.reason,
            "call id": call.call_id,
            "redials": call.redials,
            "claimed (UTC)": f"{call.claimed_at:%Y-%m-%d %H:%M:%S}",
            "settled (UTC)": None if call.settled_at is None else f"{call.settled_at:%Y-%m-%d %H:%M:%S}",
        }
        for call in calls
    ]
    show_rows(rows, output=arguments.output, nothing=nothing)


def _show_scopes(ledger: OpenLedger, arguments: Namespace) -> None:
    scopes = [scope for scope in scopes_held(ledger.upkeep) if arguments.scope in (None, scope.name)]
    rows: list[dict[str, Any]] = [
        {
            "scope": scope.name,
            **{state.value: scope.calls.get(state, 0) for state in EntryState},
            "blocked from elsewhere": scope.blocked,
            "last claim (UTC)": f"{scope.last_claim:%Y-%m-%d %H:%M:%S}",
        }
        for scope in scopes[: arguments.limit]
    ]
    show_rows(
        rows,
        output=arguments.output,
        nothing="the ledger is empty" if arguments.scope is None else "the ledger has no such scope",
    )
