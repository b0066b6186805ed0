"""What only the tasks of MrAssistant do."""
