"""The child of a wrap that a test plays itself: `python -m tests.attacks.child SOCKET` joins its pipes to a socket."""

import os
import socket
import sys
import threading


def _pass_on(connection: socket.socket) -> None:
    """What the test says goes to stdout, until it says no more."""
    while piece := connection.recv(65536):
        while piece:
            piece = piece[os.write(1, piece) :]
    os._exit(0)


def main(path: str) -> None:
    """What comes on stdin goes to the test, until stdin ends."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        threading.Thread(target=_pass_on, args=(connection,), daemon=True).start()
        while piece := os.read(0, 65536):
            connection.sendall(piece)


if __name__ == "__main__":
    main(sys.argv[1])
