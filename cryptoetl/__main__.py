"""The program: `cryptoetl`, or `python -m cryptoetl`."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from cryptoetl.util import interruption


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    interruption.install_handlers()  # before the imports, which take longer than many a Ctrl-C
    try:
        from cryptoetl import cli

        code = cli.run()
    except KeyboardInterrupt:  # a second one, while the first was being reported
        code = interruption.EXIT_CODE
    except BaseException as error:  # with --debug, or of the command line itself
        from cryptoetl.util.text import printable

        with suppress(OSError, AttributeError):
            sys.stderr.write(printable("".join(traceback.format_exception(error))))
        code = 2
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process without finalizing the interpreter.

    Threads of libraries that are still at work then, such as an engine that is starting, would crash it or
    keep it from ending.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # the reader has seen enough
        except (OSError, AttributeError) as error:  # a full disk; no such stream
            if stream is sys.stdout:
                code = code or 2
                with suppress(OSError, AttributeError):
                    sys.stderr.write(f"error: cannot write to standard output: {error}\n")
    os._exit(code)


if __name__ == "__main__":
    main()
