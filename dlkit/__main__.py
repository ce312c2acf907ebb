"""`python -m dlkit` is `dlkit`."""

from dlkit.cli.main import main

if __name__ == "__main__":
    main()
