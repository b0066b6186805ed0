"""What only the tasks of Callaro do."""
