"""Files into arrays: what the sources and `predict` read by, each kind of file or value one module."""
