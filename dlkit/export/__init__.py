"""Files for other runtimes, compared before they are handed over."""
