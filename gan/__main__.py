"""`python -m gan` is the same as `python main.py`, from any directory."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m gan"))
