"""What the stand-in vendors tell of their calls afterwards: what became of each one, told to whoever wants to know.

`fates` decides what becomes of a call, `webhook` is one URL with its delays, duplicates and losses, `planning` makes of
a call the deliveries that are due, `deliverer` sends them from a thread of its own, and `events` keeps the record.
What the body looks like is each vendor's own: `Vendor.webhook`. Begin with `events`.
"""
