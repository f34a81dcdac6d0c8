"""The command in a terminal of its own, killed half-way; and without any terminal."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager

import pytest

from tests.small_project import command, environment, slant, write_project

pytestmark = pytest.mark.slow

ANSWERED = b"answered"


class Terminal:
    """A pseudo-terminal of 80 columns and 24 lines with the command in it."""

    def __init__(self, words, cwd):
        self._side, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            command(*words), cwd=cwd, stdin=inside, stdout=inside, stderr=inside,
            env={**environment(), "TERM": "xterm-256color"}, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.seen = b""

    def wait_for(self, words, seconds=240):
        """Read until `words` were on the screen since the last key."""
        until = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < until, self.seen[-2000:]
            if select.select([self._side], [], [], 0.2)[0]:
                self.seen += self._read()

    def press(self, keys):
        self.seen = b""
        os.write(self._side, keys)

    def end(self):
        """Read what is left, until the process is gone; return its status."""
        while self.process.poll() is None:
            if select.select([self._side], [], [], 0.2)[0]:
                self.seen += self._read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        os.close(self._side)

    def _read(self):
        try:
            return os.read(self._side, 65536)
        except OSError:  # the other side is closed
            return b""


@contextmanager
def coding(folder, *more):
    terminal = Terminal(
        ["label", "code", "config.yaml", "--coder", "cleo", "--output", "cleo.csv", *more], folder
    )
    try:
        yield terminal
    finally:
        terminal.close()


def test_a_kill_loses_nothing_and_the_next_start_goes_on(tmp_path):
    write_project(tmp_path)
    file = tmp_path / "cleo.csv"
    with coding(tmp_path, "--task", "topic") as terminal:
        terminal.wait_for(b"1 of 12")
        for number, key in enumerate((b"1", b"2", b"1"), start=1):
            terminal.press(key)
            terminal.wait_for(b"%d answered" % number)
        terminal.process.send_signal(signal.SIGKILL)
        assert terminal.end() == -signal.SIGKILL
    rows = [line.split(",")[:5] for line in file.read_text().splitlines()[1:]]
    assert rows == [
        ["n0", "topic", "", "cleo", "farming"],
        ["n1", "topic", "", "cleo", "shipping"],
        ["n2", "topic", "", "cleo", "farming"],
    ]
    with coding(tmp_path, "--task", "topic") as terminal:
        terminal.wait_for(b"4 of 12")
        terminal.press(b"2")
        terminal.wait_for(b"4 answered")
        terminal.press(b"\x11")  # Ctrl+Q
        assert terminal.end() == 0
        assert b"4 of 12 answered, 1 of them now: cleo.csv" in terminal.seen
    assert len(file.read_text().splitlines()) == 5


def test_without_a_terminal_it_says_so(tmp_path):
    write_project(tmp_path)
    done = slant(
        "label", "code", "config.yaml", "--coder", "cleo", "--output", "cleo.csv",
        cwd=tmp_path, status=1,
    )  # fmt: skip
    assert done.stderr.startswith(b"slant: slant label code needs a terminal")
    assert done.stderr.count(b"\n") == 1
    assert not (tmp_path / "cleo.csv").exists()
