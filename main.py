"""Draws 400 faces of people who do not exist; `--help` lists the other commands."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python main.py"))
