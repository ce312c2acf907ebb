"""How scripts read the data of a source, one file a source: `read(subject)` gives the function as text."""
