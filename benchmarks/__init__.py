"""How fast the fan-out is, against what the machine can do and against what Airflow users do today.

``python -m benchmarks`` prints one table: every figure that the project has set as a goal, its bound, and whether it
is reached. Nothing here runs in the tests: a figure depends on the machine, a test must not.
"""
