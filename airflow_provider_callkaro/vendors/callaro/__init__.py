"""Callaro's API; begin with `api`: the requests it takes and how its answers are read."""
