"""What every room may use and what has no room of its own: the log and the clock."""
