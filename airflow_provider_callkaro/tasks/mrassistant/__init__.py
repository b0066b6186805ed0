"""What the tasks of MrAssistant do, and no other vendor's.

`campaign_arguments` checks the arguments of a campaign before any claim; `operator` is the base of the operators that
send one request; `transfer_memory` is what a task remembers of a transfer.
"""
