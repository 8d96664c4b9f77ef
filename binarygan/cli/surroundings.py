"""What surrounds a command does not decide what it does: an output that is closed or full, signals, MPLBACKEND."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

MORE_SIGNALS = ("SIGTERM", "SIGHUP")
"""They stop a command as Ctrl-C does, so that it leaves no half of a file."""


class Output:
    """Takes what is printed to a stream. A failure is kept and told at the end: printing cannot undo work.

    A character that the stream's encoding lacks is written as its number, like \\u2026.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or open(os.devnull, "w")  # noqa: SIM115, PTH123 - as long as the process lives
        self.error: OSError | None = None
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write the text, unless writing has failed before."""
        if self.error is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, unless writing has failed before."""
        if self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.error = error
        with suppress(OSError):  # what its buffer still has goes nowhere, too
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def status(self, status: int) -> int:
        """A command's exit status, unless 0: 1 if its output was lost, 141 if nobody read it (as other programs do)."""
        self.flush()
        if self.error is None or isinstance(self.error, BrokenPipeError):
            return status or 141 * (self.error is not None)
        print(f"error: the standard output cannot be written: {self.error.strerror}", file=sys.stderr)
        return status or 1


@contextmanager
def own_process() -> Iterator[Output]:
    """In the block, standard output and error never fail, and SIGTERM and SIGHUP are a KeyboardInterrupt."""
    ignore_backend()
    _open_standard_files()
    streams, output = (sys.stdout, sys.stderr), Output(sys.stdout)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, Output(sys.stderr))
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in MORE_SIGNALS if hasattr(signal, name)):
            if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP
                handlers[number] = signal.signal(number, _interrupt)
    try:
        yield output
    finally:
        output.flush()
        sys.stdout, sys.stderr = streams
        for number, handler in handlers.items():
            signal.signal(number, handler)


def ignore_backend() -> None:
    """Let matplotlib need no backend but its own: MPLBACKEND may name one that is not installed here."""
    os.environ["MPLBACKEND"] = "agg"


def _open_standard_files() -> None:
    """Open what was closed (`>&-`), or the next file that is opened would be standard output."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)


def _interrupt(*_: object) -> None:
    """Stop as Ctrl-C does, also as a shell's background job, which is started so that it ignores Ctrl-C."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
