"""`python -m dangol`: the same as the command `dangol`."""

from dangol.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
