"""A command that prints the number of each signal that it gets: python3 listening.py [OWN]

Prints `ready` first, ends with code 5 after SIGTERM, and sends OWN to its own process group.
"""

import os
import signal
import sys

ALL = signal.valid_signals() - {signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
                                signal.SIGCONT}


def main(own="0"):
    signal.pthread_sigmask(signal.SIG_BLOCK, ALL)
    print("ready", flush=True)
    if own != "0":
        os.kill(0, int(own))
    number = None
    while number != signal.SIGTERM:
        number = signal.sigwait(ALL)
        print(int(number), flush=True)
    sys.exit(5)


if __name__ == "__main__":
    main(*sys.argv[1:])
