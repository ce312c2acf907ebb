"""Run folders: their files, their state, where they are found. Standard library only."""
