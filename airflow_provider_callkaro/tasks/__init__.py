"""What a task does, whichever operator it belongs to: who the run is, what it remembers, how it ends.

Begin with `placing`, the base of the operators that place calls. Its three kinds are `fan_out`, `preflight` and
`single_call`; all of them hand the list to `list_run`, which goes through it.

* arguments: `arguments` (which are set), `rendering`, `mapping`, `redacted`, `settings`, `rules`, `instants`
* the run: `identity` (who it is), `staleness`, `ledgers`, `task_state`, `account`, `waiting`
* the list: `list_run`, `list_length`
* the end: `failures`, `run_output`, `preflight_page`, `trail`
* what one vendor's tasks alone do: `callaro`, `mrassistant`

The room imports the rooms below it (dispatch, sources, hooks, triggers, ledger, calls) and Airflow; it knows no
operator and no sensor.
"""
