"""The operators that a DAG imports: one folder per vendor, one file per operator or pair of operators.

Begin with `callkaro`, whose `__init__` holds the public names, and there with `fan_out`. Each operator spells out its
arguments and says what each is for; what it does with them is in the room `tasks`. This room imports every room below
it and Airflow, and nothing imports it.
"""
