"""How bytes travel to a vendor and back: two drivers, one `target.Target`, one `retry.RetryPolicy`.

Begin at `sync.SyncTransport`. It sends one request at a time over the `session.VendorSession` of a connection, and
tries again where that is safe. `asynchronous.AsyncTransport` sends many at once, once each, for the fan-out, over
connections of its own (`pool`, `opening`, `connection`, `answer_reader`). Both know of each failure whether the request
had left: before that it is `NotSent`, after that `OutcomeUnknown` (`retry`).
The room imports ``vendors``, ``calls`` and ``exceptions``, and nothing of Airflow. Of what it carries it knows only
whether it is retry-safe.
"""
