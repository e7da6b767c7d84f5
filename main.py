"""Four hundred faces of people who do not exist: `python main.py --help`."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python main.py"))
