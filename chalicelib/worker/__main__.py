"""`python -m chalicelib.worker`"""

import sys

from chalicelib.worker.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
