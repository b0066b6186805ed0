"""Callaro's API: bulk call campaigns that the vendor dials by itself.

Begin with `api`, which has the requests. `answers` and `refusals` read what comes back, `windows`
when a campaign may call. `states` is the vendor's table of transitions, `routes` the table of paths, `fields` checks a
campaign before it is created, `thresholds` judges figures whose names the user gives.
"""
