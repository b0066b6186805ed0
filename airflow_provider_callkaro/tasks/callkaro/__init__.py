"""What only the tasks of CallKaro do."""
