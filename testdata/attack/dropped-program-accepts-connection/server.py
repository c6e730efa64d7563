"""Serves one caller on 192.0.2.1 or the address given first; writes its port to the file `port`."""

import os
import signal
import socket
import sys

signal.alarm(30)
with socket.create_server((sys.argv[1] if len(sys.argv) > 1 else "192.0.2.1", 0)) as server:
    with open("port.new", "w") as file:
        file.write(str(server.getsockname()[1]))
    os.rename("port.new", "port")
    connection, _ = server.accept()
    connection.sendall(b"ready\n")
