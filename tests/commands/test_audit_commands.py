"""The audit trail by its commands: any change is found, and a truncation by a digest that was kept elsewhere."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy
from connection_keys import keys

from airflow_provider_callkaro.ledger.audit.chain import Action, AuditMark, digest_of
from airflow_provider_callkaro.ledger.audit.trail import SqlAudit, entry
from airflow_provider_callkaro.ledger.contract import Claim
from airflow_provider_callkaro.ledger.sql.ledger import SqlLedger
from airflow_provider_callkaro.ledger.upkeep.database import Upkeep


def begin(engine: sqlalchemy.Engine) -> None:
    with SqlLedger(engine, scope="calls", run="a run") as ledger:
        ledger.commit(claim=[Claim(key="+919876500001", number="+919876500001")])


def write(engine: sqlalchemy.Engine, *, by: str, lines: int) -> AuditMark:
    with Upkeep(engine) as upkeep:
        audit = SqlAudit(upkeep)
        audit.create()
        marks = [audit.append(entry(Action.STARTED, who={"task": by}, count=number)) for number in range(lines)]
    return marks[-1]


def test_writers_at_once_make_one_chain(engine, command) -> None:
    begin(engine)
    writers = [threading.Thread(target=write, args=(engine,), kwargs={"by": name, "lines": 10}) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    answer = command("audit", "verify")
    assert (answer["lines"], answer["whole"]) == (40, True)
    told = command("audit", "show")
    assert [line["line"] for line in told] == list(range(1, 41))
    assert [line["count"] for line in told if line["who"] == {"task": "b"}] == list(range(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "UPDATE voice_call_audit SET record = REPLACE(record, 'asha', 'nobody') WHERE place = 3",
            "line 3 was changed",
        ),
        ("DELETE FROM voice_call_audit WHERE place = 3", "line 3 is missing"),
        ("UPDATE voice_call_audit SET digest = REPEAT('0', 64) WHERE place = 3", "line 3 was changed"),
        ("DELETE FROM voice_call_audit WHERE place > 3", None),
        ("DELETE FROM voice_call_audit", None),
    ],
)
def test_any_change_is_found_and_a_truncation_by_a_digest_from_elsewhere(engine, command, capsys, change, message):
    begin(engine)
    kept = write(engine, by="asha", lines=5)
    assert command("audit", "verify", "--last", str(kept))["whole"]
    if engine.dialect.name == "sqlite":
        change = change.replace("REPEAT('0', 64)", f"'{'0' * 64}'")
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    if message is None:
        assert command("audit", "verify")["whole"]  # in itself
        with pytest.raises(SystemExit):
            command("audit", "verify", "--last", str(kept))
        message = "line 5 is missing: the trail was cut off"
    else:
        with pytest.raises(SystemExit):
            command("audit", "verify")
    assert message in capsys.readouterr().err


def test_a_mark_that_is_none_is_refused(engine, command) -> None:
    begin(engine)
    with pytest.raises(SystemExit, match="place:digest"):
        command("audit", "verify", "--last", "7")


def test_without_the_key_nobody_writes_a_new_chain(engine, keyed, command, capsys) -> None:
    with SqlLedger(engine, scope="calls", run="a run", keys=keys("k1")) as ledger:
        ledger.commit(claim=[Claim(key="+919876500001", number="+919876500001")])
    for _ in range(3):
        command("erase", "-", typed="+919876500002")
    assert command("audit", "verify")["whole"]
    with engine.begin() as connection:
        records = connection.exec_driver_sql("SELECT record FROM voice_call_audit ORDER BY place").scalars().all()
        before = ""
        for place, record in enumerate(records, start=1):
            text = record.replace("erased", "nothing") if place == 2 else record
            before = digest_of(before=before, place=place, text=text)
            connection.execute(
                sqlalchemy.text("UPDATE voice_call_audit SET record = :text, digest = :digest WHERE place = :place"),
                {"text": text, "digest": before, "place": place},
            )
    with pytest.raises(SystemExit):
        command("audit", "verify")
    told = capsys.readouterr().err
    assert "line 2 has a seal that does not fit" in told
    assert "line 3 has a seal that does not fit" in told
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE voice_call_audit SET seal = NULL")
    with pytest.raises(SystemExit):
        command("audit", "verify")
    assert "no line of the trail is sealed" in capsys.readouterr().err


def test_a_line_forged_under_an_unknown_key_is_not_proven_by_the_next_one(engine, keyed, command, capsys) -> None:
    """A later seal holds for the digest that it found there, whoever made that."""
    with SqlLedger(engine, scope="calls", run="a run", keys=keys("k1")) as ledger:
        ledger.commit(claim=[Claim(key="+919876500001", number="+919876500001")])
    command("erase", "-", typed="+919876500002")
    command("erase", "-", typed="+919876500003")
    with engine.begin() as connection:
        record, before = connection.exec_driver_sql(
            "SELECT second.record, first.digest FROM voice_call_audit AS second, voice_call_audit AS first "
            "WHERE second.place = 2 AND first.place = 1"
        ).one()
        text = record.replace("erased", "nothing")
        connection.execute(
            sqlalchemy.text(
                "UPDATE voice_call_audit SET record = :text, digest = :digest, seal = :seal WHERE place = 2"
            ),
            {"text": text, "digest": digest_of(before=before, place=2, text=text), "seal": f"k9:{'A' * 22}"},
        )
    command("erase", "-", typed="+919876500004")
    with pytest.raises(SystemExit):
        command("audit", "verify")
    assert "line 2 has a seal of the key k9, which the connection does not have" in capsys.readouterr().err
