"""Outbound AI voice calls from Apache Airflow: nobody rung twice, nobody at a wrong hour, no row lost.

Each folder is a room; its ``__init__`` says what it is for, what it may import, and where to begin. A DAG imports from
``operators``, ``sensors``, ``sources`` and ``calls``. To read the code, begin with ``tasks/list_run.py`` and follow one
row into ``dispatch``; ``docs/architecture.md`` draws the way.
"""

__version__ = "0.2.0"
