"""The data sources, one file named after each; a file whose name begins with an underscore is none."""
