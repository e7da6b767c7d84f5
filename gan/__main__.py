"""`python -m gan` does what `python main.py` does, from any directory."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m gan"))
