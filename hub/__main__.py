"""The entry point of `hub` and of `python -m hub`."""

import sys
from typing import NoReturn

# As shells say it of a command that a signal ended.
STOPPED_BY_SIGNAL = 130


def main() -> NoReturn:
    """Run the verb that was asked for; a Ctrl-C while the commands are still being loaded ends it without a trace."""
    try:
        from hub.cli import main as run
    except KeyboardInterrupt:
        sys.exit(STOPPED_BY_SIGNAL)
    run()


if __name__ == "__main__":
    main()
