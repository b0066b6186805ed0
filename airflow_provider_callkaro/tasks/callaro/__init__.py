"""What the tasks of Callaro do, and no other vendor's.

Begin with `campaign_run`, a campaign from its draft to its results; `campaign` finds a task's own campaign, and
`campaign_memory` is what the task remembers of it. `operator` is the base of the Callaro operators.
"""
