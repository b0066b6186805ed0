"""What the tasks of MrAssistant do, and no other vendor's: the arguments of a campaign, checked before any claim."""
