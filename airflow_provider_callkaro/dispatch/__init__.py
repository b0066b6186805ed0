"""From contact rows to outcomes: claim each call durably, send it, settle it, count and report it.

This room imports `calls`, `vendors`, `ledger`, `files`, `transport` and `exceptions`, and nothing of Airflow: the
clocks, the ledger and the transport are handed in. Begin with `run.run_calls`, which puts a run together, then read
`dispatcher.Dispatcher`, whose turns run on the main thread. The event loop of `dialler.Dialler` is the only other
thread.
"""
