"""A reader who does what the pages say, block by block, in one process: one Airflow home, one sandbox, one folder.

Called with the folder, and the pages if not all of them. It prints one JSON line that begins with ``DONE``: what became
of each block.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from code_blocks import ROOT, STORIES, Block, all_blocks, runs_elsewhere

ADDRESS = "http://127.0.0.1:8900"  # where the pages have the sandbox
FILE = re.compile(r"# ((?:dags/)?\w+\.py)\n")
ASKED = ("standalone", "--person", "resolve", "erase", "carry-over", "prune")
"""Words of commands that go on for ever, ask for a number, or change what a later block needs: they are only parsed."""


class Reader:
    """One reader.

    :param sandbox: stands in for the vendors.
    """

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.names: dict[str, Any] = {}
        self.do: dict[str, Callable[[Block], None]] = {
            "python": self.python,
            "bash": self.bash,
            "json": self.json,
            "ini": self.ini,
            "toml": self.toml,
            "sql": self.sql,
        }

    def begin(self, page: str) -> None:
        """Open a page: a namespace of its own, and the lists that its examples read."""
        self.names = public_names()
        self.ran: set[str] = set()
        self.shell: dict[str, str] = {}
        self.sandbox.clear_faults()
        if page in STORIES:
            return
        for old in Path("dags").glob("*.py"):
            old.unlink()
        for name, connection in self.sandbox.airflow_connections.items():
            extra = {"schedule_timezone": "Asia/Kolkata"} if name == "callkaro_default" else {}
            connect(name, json.loads(connection) | {"extra": extra})
        for name, file in (("warehouse", "lists.db"), ("call_ledger", "ledger.db")):
            connect(name, {"conn_type": "sqlite", "host": str(Path(file).resolve())})

    def python(self, block: Block) -> None:
        """Save a file and import it, or run a fragment as a reader's DAG would hold it."""
        code = compile(block.text, block.place, "exec")
        if named := FILE.match(block.text):
            Path(named[1]).write_text(block.text)
            if named[1].startswith("dags/"):
                exec(code, self.names)
            return
        with self.dag_of(block.text):
            exec(code, self.names)

    @contextmanager
    def dag_of(self, text: str) -> Iterator[None]:
        """The DAG that a fragment belongs to: the one whose tasks it names, or a new one."""
        from airflow.sdk import DAG

        tasks = [one for name, one in self.names.items() if hasattr(one, "dag") and re.search(rf"\b{name} >>", text)]
        with tasks[0].dag if tasks else DAG("fragment", schedule=None):
            yield

    def bash(self, block: Block) -> None:
        """Type the lines of a block, one after the other."""
        for line in block.text.replace("\\\n", " ").splitlines():
            for name, value in self.shell.items():
                line = line.replace(f"${name}", value)
            words = shlex.split(line, comments=True)
            if words:
                self.type(
                    line.replace(ADDRESS, self.sandbox.url), [word.replace(ADDRESS, self.sandbox.url) for word in words]
                )

    def type(self, line: str, words: list[str]) -> None:
        """Do what a line says, or as much of it as can be done here."""
        match words:
            case ["export", *_]:
                done = run(["bash", "-c", f"{line}\nenv -0"])
                os.environ.update(entry.split("=", 1) for entry in done.split("\0") if "=" in entry)
                for vendor in re.findall(r"AIRFLOW_CONN_(CALLKARO|CALLARO|MRASSISTANT)_DEFAULT=", line):
                    assert hook_of(vendor)().connection
                os.environ["SANDBOX_KEY"] = f"X-Sandbox-Key: {self.sandbox.control_key}"  # the page has an ellipsis
            case ["airflow", *given, "|", "grep", word]:
                self.airflow(given)
                assert word == "callkaro"
            case ["airflow", *given]:
                self.airflow(given)
            case ["make", target]:
                assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
            case ["pip" | ".venv-first/bin/pip", "install", *needs]:
                check_requirements(needs)
            case ["python", "-m", "airflow_provider_callkaro.sandbox", *options]:
                import_module("airflow_provider_callkaro.sandbox.__main__")._parser().parse_args(options)
            case ["python", "-m", "airflow_provider_callkaro.receiver", *options]:
                import_module("airflow_provider_callkaro.receiver.__main__")._parser().parse_args(options)
            case ["curl", *_]:
                line = line.replace("-s ", "-sS --fail-with-body ", 1)
                run(["bash", "-c", "set -o pipefail; " + line.replace("python ", f"{sys.executable} ")])
            case ["python", "-c", *_]:
                run([sys.executable, *words[1:]])
            case ["python", script] if Path(script).exists():
                run([sys.executable, script])
            case [("cat" | "mkdir"), *_]:
                run(["bash", "-c", line])
            case [".", "venv/bin/activate"] | [("python3" | "python3.11"), "-m", "venv", _] | ["pip", "check"]:
                pass  # the environment is the tests' own
            case [assignment] if re.fullmatch(r"[A-Z]+=[\w.]+", assignment):
                name, _, value = assignment.partition("=")
                self.shell[name] = value
            case [".venv-first/bin/python" | ".venv/bin/python", "-m", module, *given]:
                assert module in ("pytest", "benchmarks")
                assert all((ROOT / path).exists() for path in given if "/" in path)
            case _:
                raise AssertionError(f"nobody knows how to try: {line}")

    def airflow(self, given: list[str]) -> None:
        """Run a command of Airflow in this process, where that ends by itself and changes nothing that is needed."""
        from airflow.cli.cli_parser import get_parser
        from airflow.utils.db import initdb

        if given == ["db", "migrate"]:
            initdb()
            return
        arguments = get_parser().parse_args(given)
        if not set(ASKED) & set(given):
            try:
                arguments.func(arguments)
            except SystemExit as ended:
                if ended.code:
                    raise RuntimeError(f"{given} ended with {ended.code}") from ended
        if given[:2] == ["dags", "test"]:
            self.ran.add(given[2])

    def json(self, block: Block) -> None:
        """Read it; a connection and the extra of one are read as the hooks do."""
        read = json.loads(block.text)
        if "states" in read or "routes" in read:
            read_as("callaro", {"extra": read})
        elif "calling_windows" in read:
            assert read_as("callkaro", {"extra": read}).calling_policy().windows
        elif "webhooks" in read:
            assert "Webhooks" in read_as("callkaro", {"extra": read})._webhooks()
        elif "callkaro_default" in read:
            assert read_as("callkaro", read["callkaro_default"]).connection

    def ini(self, block: Block) -> None:
        """Read it; what it names is there."""
        parser = configparser.ConfigParser()
        parser.read_string(block.text)
        module, _, name = parser["secrets"]["backend"].rpartition(".")
        getattr(import_module(module), name)(
            **json.loads(parser["secrets"]["backend_kwargs"]) | {"connections_file_path": None}
        )

    def toml(self, block: Block) -> None:
        """A rule file makes a policy."""
        from airflow_provider_callkaro.calls import CallingPolicy

        tomllib.loads(block.text)
        Path("hours.toml").write_text(block.text)
        assert CallingPolicy.rules("hours.toml", holidays=None).windows

    def sql(self, block: Block) -> None:
        """Each statement is whole; test_ledger_page.py runs them."""
        import sqlite3

        assert all(sqlite3.complete_statement(statement + ";") for statement in block.text.split(";\n") if statement)

    def left(self) -> list[Path]:
        """The DAGs that the page has saved and not run."""
        return [path for path in sorted(Path("dags").glob("*.py")) if path.stem not in self.ran]

    def run(self, path: Path) -> None:
        """Run one, which has its file's name, on a ledger of its own, because caps count over all that share one."""
        connect("call_ledger", {"conn_type": "sqlite", "host": str(Path(f"{path.stem}.db").resolve())})
        self.airflow(["dags", "test", path.stem])


def connect(name: str, connection: dict[str, Any]) -> None:
    """Make an Airflow connection, in the environment."""
    os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)


def public_names() -> dict[str, Any]:
    """What a reader of a fragment has imported."""
    from datetime import UTC, date, datetime, timedelta

    names: dict[str, Any] = {"UTC": UTC, "date": date, "datetime": datetime, "timedelta": timedelta, "__name__": "dag"}
    for module in (
        *("calls", "sources", "sensors.schedule_window", "sensors.callaro", "sensors.mrassistant"),
        *(f"{room}.{vendor}" for room in ("operators", "hooks") for vendor in ("callkaro", "callaro", "mrassistant")),
    ):
        room = import_module(f"airflow_provider_callkaro.{module}")
        shown = getattr(room, "__all__", None) or [name for name in vars(room) if name.endswith("Sensor")]
        names.update({name: getattr(room, name) for name in shown})
    return names


def read_as(vendor: str, connection: dict[str, Any]) -> Any:
    """The hook of a connection that a page shows, once it has read it."""
    name = f"shown_{vendor}"
    connect(name, {"conn_type": vendor, "password": "sandbox"} | connection)
    hook = hook_of(vendor)(name)
    assert hook.connection
    return hook


def hook_of(vendor: str) -> Any:
    """The class of a vendor's hook."""
    return next(one for name, one in public_names().items() if name.lower() == f"{vendor.lower()}hook")


def check_requirements(needs: list[str]) -> None:
    """What is to be installed is this package with an extra that it has, or something that the constraints pin."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = (ROOT / "constraints" / "airflow-3.3.txt").read_text().lower()
    if "--constraint" in needs:
        place = needs.pop(needs.index("--constraint") + 1)
        needs.remove("--constraint")
        assert place.startswith("https://") or (ROOT / place).exists(), place
    for need in (Requirement(each) for each in needs):
        if need.name == project["name"]:
            assert need.extras <= set(project["optional-dependencies"]), need
        else:
            assert f"\n{need.name.lower()}==" in pinned, need


def run(command: list[str]) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def make_lists() -> None:
    """The lists that the examples beside the stories read."""
    import sqlite3

    with sqlite3.connect("lists.db") as lists:
        lists.executescript("""
            create table renewals (id integer primary key, phone, name, city, due_on);
            create table callback_requests (id integer primary key, phone, name);
            create table inspections (id integer primary key, phone, agent, language, name);
            create table do_not_call (phone);
            insert into callback_requests values (1, '+919876543210', 'Asha');
            insert into inspections values (1, '+919876543211', 'agent_sales_id', 'hi', 'Asha');
            insert into do_not_call values ('+919876543212');
        """)
        days = ("date('now')", "date('now', '-1 day')")
        for row in range(8):
            for day in days:
                lists.execute(
                    f"insert into renewals (phone, name, city, due_on) values (?, 'A', 'Pune', {day})",
                    (f"+9198765{row:05d}",),
                )
    Path("lists").mkdir()
    Path("lists/callbacks.csv").write_text("phone,name,ssn\n+919876543213,Asha,1\n")


def main(folder: str, *pages: str) -> None:
    os.chdir(folder)
    home = Path(folder) / "airflow"
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(Path(folder) / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
        AIRFLOW_VAR_OUTREACH_LISTS=str(Path(folder) / "lists"),
    )
    Path("dags").mkdir()
    from airflow_provider_callkaro.sandbox import Sandbox

    told: list[dict[str, Any]] = []
    with Sandbox(control_key="first", callaro_dial_seconds=0) as sandbox:
        reader, page = Reader(sandbox), None
        make_lists()
        for block in [*(block for block in all_blocks() if not pages or block.page in pages), None]:
            if page is not None and (block is None or block.page != page):
                told += [attempt(f"{page}: {path}", reader.run, path, sandbox) for path in reader.left()]
            if block is None:
                break
            if block.page != page:
                page = block.page
                reader.begin(page)
            if not runs_elsewhere(block):
                told.append(attempt(block.place, reader.do.get(block.language, unknown), block, sandbox))
    print("DONE " + json.dumps(told))


def unknown(block: Block) -> None:
    raise AssertionError(f"nobody knows how to run a block of {block.language!r}")


def attempt(place: str, do: Callable[[Any], None], what: Any, sandbox: Any) -> dict[str, Any]:
    """What became of one block, and how many phones have rung since the sandbox started."""
    try:
        do(what)
        error = None
    except (Exception, SystemExit):
        error = traceback.format_exc(limit=-6)
    return {"place": place, "error": error, "rings": len(sandbox.rings)}


if __name__ == "__main__":
    main(*sys.argv[1:])
