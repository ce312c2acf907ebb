"""The command line: one thin file a command in `commands/`; it parses, calls a workflow and prints."""
