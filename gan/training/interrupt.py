"""Ctrl-C and its kin, held until the graph call that runs has ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def held_interrupt() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets, instead of an exception at any moment.

    So do SIGTERM and SIGHUP, of a cluster and of a terminal that is closed, where the
    user has said nothing else of them: what they would have ended at once ends by
    SystemExit, with the status that a shell reports of them, 143 and 129.
    """
    interrupt, received, usual = threading.Event(), [], {}

    def hold(number, _):
        interrupt.set()
        received.append(number)
        # A second Ctrl-C does what it always does.
        signal.signal(number, usual[number])

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            # Windows has no SIGHUP.
            number = getattr(signal, name, None)
            handler = number and signal.getsignal(number)
            ours = callable(handler) if name == "SIGINT" else handler == signal.SIG_DFL
            if number and ours:
                usual[number] = signal.signal(number, hold)
    try:
        yield interrupt
    except (KeyboardInterrupt, OSError) as error:
        # Whatever writes to a terminal that was closed fails.
        if isinstance(error, KeyboardInterrupt) or _hung_up(received):
            _exit_for(received)
        raise
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    _exit_for(received)


def _exit_for(received):
    """End the program with the status of the first signal, unless that was Ctrl-C."""
    if _hung_up(received):
        try:
            print(flush=True)
        except OSError:
            # What else is said has nowhere to go.
            sys.stdout = sys.stderr = open(os.devnull, "w")
    if received and received[0] != signal.SIGINT:
        raise SystemExit(128 + received[0])


def _hung_up(received):
    return getattr(signal, "SIGHUP", None) in received
