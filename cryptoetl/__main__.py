"""The entry point of `cryptoetl` and `python -m cryptoetl`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

from cryptoetl.util import interruption


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    interruption.install_handlers()  # before the imports, which an interruption may precede
    # Imports create 100,000 objects that stay: collecting garbage among them takes a tenth of a second.
    gc.set_threshold(100_000, 20, 20)
    try:
        from cryptoetl import cli

        code = cli.run()
    except KeyboardInterrupt:  # a second interruption, while the first was being reported
        code = interruption.EXIT_CODE
    except BaseException as error:  # raised with --debug, or outside a command
        import traceback

        from cryptoetl.util.text import printable

        with suppress(OSError, AttributeError):
            sys.stderr.write(printable("".join(traceback.format_exception(error))))
        code = 2
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process without finalizing the interpreter.

    Library threads that are still running, such as those of a starting engine, could crash the finalization
    or keep it from ending.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # the reader of the pipe has ended
        except (OSError, AttributeError) as error:  # a full disk; a stream that is None
            if stream is sys.stdout:
                code = code or 2
                with suppress(OSError, AttributeError):
                    sys.stderr.write(f"error: cannot write to standard output: {error}\n")
    os._exit(code)


if __name__ == "__main__":
    main()
