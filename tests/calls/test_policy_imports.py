"""What a policy asks of the machine: nothing heavy while a DAG file is read, and an extra only where it is needed."""

import subprocess
import sys

import pytest


def test_a_dag_file_does_not_pay_for_libraries_that_only_a_run_needs():
    heavy = "phonenumbers holidays pendulum airflow sqlalchemy aiohttp pathlib"
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from datetime import timedelta\n"
        "from airflow_provider_callkaro.calls import CallingPolicy\n"
        "CallingPolicy.rules('fr')\n"
        "CallingPolicy(timezone='recipient', holidays='IN-KA', mobile_margin=timedelta(hours=1))\n"
        f"print([name for name in {heavy.split()!r} if name in set(sys.modules) - before])\n"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "ask", "extra"),
    [
        ("holidays", "CallingPolicy(timezone='Asia/Kolkata', holidays='IN')", "[holidays]"),
        (
            "phonenumbers",
            "CallingPolicy(timezone='recipient').is_open(datetime.now(UTC), Call(to_number='+14155550123'))",
            "[phone]",
        ),
    ],
)
def test_a_missing_extra_is_named(missing, ask, extra):
    script = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from datetime import UTC, datetime\n"
        "from airflow_provider_callkaro.calls import Call, CallingPolicy\n"
        "from airflow_provider_callkaro.exceptions import ConfigurationError\n"
        f"try:\n    {ask}\nexcept ConfigurationError as error:\n    print(error)\n"
    )
    assert extra in subprocess.check_output([sys.executable, "-c", script], text=True)
