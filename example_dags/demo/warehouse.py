"""A small warehouse of customers, with typical data errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

CUSTOMERS = 312
CITIES = ("Pune", "Bangalore", "Jaipur", "Kochi", "Lucknow", "Indore")
DIRT = {
    17: "98765 00017",  # no country code
    40: "",
    41: None,
    77: "+91 98765 00070",  # customer 70 again, typed differently
    78: "not known",
    120: "+91-98765-00119",  # customer 119 again
    200: "0091 98765 00200",
    233: "+919876500233 ext. 4",
    301: "+91987650030",  # a digit short; still a number to E.164, so it is called
}
PRIORITIES = {150: 500}  # outside -100 to 100


def make_warehouse(path: Path, *, due_on: str) -> None:
    """Make the table ``renewals`` with `CUSTOMERS` rows, all due on one day."""
    rows = [
        (
            number,
            f"Customer {number}",
            DIRT.get(number, f"+9198765{number:05d}"),
            CITIES[number % len(CITIES)],
            due_on,
            PRIORITIES.get(number, 0),
        )
        for number in range(1, CUSTOMERS + 1)
    ]
    with sqlite3.connect(path) as database:
        database.execute(
            "create table renewals (id integer primary key, name, phone, city, due_on, priority, "
            "reached not null default 0, do_not_call not null default 0)"
        )
        database.executemany(
            "insert into renewals (id, name, phone, city, due_on, priority) values (?, ?, ?, ?, ?, ?)", rows
        )
