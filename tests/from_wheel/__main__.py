"""`make test-wheel`: what a user gets, who has nothing but the wheel and an Airflow.

Builds the sdist, and the wheel from it. Unpacks the sdist, makes an environment there and runs a part of its own tests.
Lets mypy check a file that uses the wheel. Then, for each supported Airflow, makes a fresh environment and runs
``check.py`` there: form, connection test, calls and write-back, all through the user interface's own requests.

``python -m tests.from_wheel 2.11`` does so for some versions only. Packages are installed by uv where it is on PATH,
which is faster, else by pip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
AIRFLOWS = ("2.11", "3.0", "3.3")
SOME_TESTS = "tests/calls/test_phone_numbers.py tests/calls/test_windows.py"
CONSUMER = """\
from airflow_provider_callkaro.calls import ScheduleWindow

ScheduleWindow("10:00", "19:00", "mon-sat")
ScheduleWindow(10, 19)
"""


def main() -> int:
    """Run everything; 0 if nothing fails."""
    airflows = sys.argv[1:] or AIRFLOWS
    with tempfile.TemporaryDirectory(prefix="callkaro-wheel-") as name:
        folder = Path(name)
        tools = folder / "tools"
        make_environment(tools, "build", "mypy", constraints=AIRFLOWS[-1])
        run(tools / "bin" / "python", "-m", "build", "--quiet", "--outdir", folder / "dist", ROOT)
        (sdist,), (wheel,) = (list((folder / "dist").glob(pattern)) for pattern in ("*.tar.gz", "*.whl"))
        say(f"built {sdist.name} and {wheel.name}")
        run_tests_of_the_sdist(sdist, folder / "sdist")
        for airflow in airflows:
            began = time.monotonic()
            environment = folder / airflow
            make_environment(
                environment,
                f"{wheel}[sandbox]",
                f"apache-airflow=={airflow}.*",
                "apache-airflow-providers-sqlite",
                constraints=airflow,
            )
            check_types(environment, tools=tools, folder=folder)
            installed = time.monotonic()
            run(environment / "bin" / "python", HERE / "check.py", folder / f"home-{airflow}", cwd=folder)
            say(f"{airflow}: installed in {installed - began:.0f} s, checked in {time.monotonic() - installed:.0f} s")
    say("all is well")
    return 0


def run_tests_of_the_sdist(sdist: Path, folder: Path) -> None:
    """Unpack the sdist, make the environment that its Makefile makes, and run some tests there."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    run("make", "--silent", "quick", f"QUICK_ROOMS={SOME_TESTS}", "WORKERS=1", f"PYTHON={sys.executable}", cwd=unpacked)
    say("the sdist makes its environment and passes some of its tests")


def check_types(environment: Path, *, tools: Path, folder: Path) -> None:
    """Let mypy find the package's types where a user's environment has them, and the mistake of a consumer."""
    consumer = folder / "consumer.py"
    consumer.write_text(CONSUMER)
    done = subprocess.run(
        [tools / "bin" / "mypy", "--strict", "--python-executable", environment / "bin" / "python", consumer],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [line for line in done.stdout.splitlines() if ": error:" in line]
    if not (wrong and all("consumer.py:4: error: Argument" in line for line in wrong)):
        raise SystemExit(f"mypy should complain of line 4 alone:\n{done.stdout}{done.stderr}")


def make_environment(folder: Path, *packages: str | Path, constraints: str) -> None:
    """Make a virtual environment and install packages at the versions of a constraints file."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    pip = (uv, "pip", "install", "--python", python) if uv else (python, "-m", "pip", "install")
    run(*pip, "--quiet", "-c", ROOT / "constraints" / f"airflow-{constraints}.txt", *packages)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command without this shell's Python and Airflow settings; end the script if it fails."""
    foreign = ("PYTHON", "AIRFLOW", "_AIRFLOW")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemExit(f"failed with exit code {done.returncode}: {' '.join(str(word) for word in command)}")


def say(line: str) -> None:
    """Print a line at once, between the lines of the commands."""
    sys.stdout.write(f"== {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
