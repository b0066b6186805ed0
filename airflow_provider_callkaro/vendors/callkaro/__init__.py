"""CallKaro's API: `api` has its requests and how its answers are read, `profile` its names and its connection form."""
