"""Models as files that other programs run: what may be written, how, and whether it is what the model was."""
