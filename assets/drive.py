#!/usr/bin/env python3
"""Types a script at a program on a terminal of its own: `drive.py SCRIPT COLUMNS ROWS PROGRAM ARGUMENTS...`

What the program writes goes to standard output as it comes, and its exit code is passed on. A line of SCRIPT is
`wait SECONDS`, `type KEYS` (\\r is Enter, \\e Escape) or `see TEXT`, which waits until TEXT has been written since the
line before. `#` begins a comment. Only Python's own library is used.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

GIVE_UP_SECONDS = 20


def steps(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            verb, _, rest = line.rstrip("\n").partition(" ")
            if verb and not verb.startswith("#"):
                yield verb, rest.replace("\\r", "\r").replace("\\e", "\x1b")


def pump(terminal, seconds, wanted=None):
    """Passes output on for a while, or until it holds what is wanted. False: the program has ended."""
    written = b""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            read = os.read(terminal, 65536)
        except OSError:
            return False
        if not read:
            return False
        os.write(1, read)
        written += read
        if wanted and wanted in written:
            return True
    if wanted:
        sys.exit(f"drive.py: waited in vain for {wanted!r}")
    return True


def main():
    script, columns, rows, program = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    child, terminal = pty.fork()
    if child == 0:
        # Before the program looks.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(program[0], program)
    for verb, rest in steps(script):
        if verb == "wait":
            pump(terminal, float(rest))
        elif verb == "type":
            os.write(terminal, rest.encode())
        elif verb == "see":
            pump(terminal, GIVE_UP_SECONDS, rest.encode())
        else:
            sys.exit(f"drive.py: {script}: there is no {verb!r}")
    while pump(terminal, GIVE_UP_SECONDS):
        pass
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


main()
