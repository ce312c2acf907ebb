"""dlkit's own losses, one file named after each."""
