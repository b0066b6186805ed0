"""A Parquet file that contradicts itself costs an error, and never the process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

SOUND = "sound"


def test_no_byte_of_a_footer_ends_the_process() -> None:
    """Each byte of it in turn is another. pyarrow ends the process over some, so it is read in one of its own."""
    pytest.importorskip("pyarrow")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, Path(__file__)], capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-500:]
    kinds = dict(line.split() for line in ran.stdout.splitlines())
    assert kinds.keys() == {SOUND, "ConfigurationError", "SourceBroken"}
    assert min(map(int, kinds.values())) > 100


def main() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    from airflow_provider_callkaro.files.formats import FileFormat
    from airflow_provider_callkaro.sources.contact_file import ContactFile

    whole = io.BytesIO()
    parquet.write_table(pa.table({"to_number": ["+919876543210"], "due": [1.5]}), whole, compression="snappy")
    content = whole.getvalue()
    footer = int.from_bytes(content[-8:-4], "little")
    kinds: Counter[str] = Counter()
    for place in range(len(content) - 8 - footer, len(content)):
        for other in (0x01, 0x10, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= other
            storage = SimpleNamespace(open=lambda path, mode, damaged=bytes(damaged): io.BytesIO(damaged))
            file = ContactFile(
                filesystem=storage, path="a.parquet", format=FileFormat.PARQUET, compressed=False, delimiter=","
            )
            try:
                list(file.rows())
                kinds[SOUND] += 1
            except Exception as error:
                kinds[type(error).__name__] += 1
    for kind, count in kinds.items():
        print(kind, count)


if __name__ == "__main__":
    main()
