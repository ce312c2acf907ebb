"""The commands, one a file, named after it. Their modules import what is heavy inside the function."""
