"""Types `id` and `exit` into whatever connects to 192.0.2.1, and keeps the answers."""

import os
import signal
import socket
import sys

port_file, output, count = sys.argv[1:]
signal.alarm(30)
with socket.create_server(("192.0.2.1", 0)) as server, open(output, "wb") as file:
    with open(port_file + ".new", "w") as port:
        port.write(str(server.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    for _ in range(int(count)):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"id\nexit\n")
            while chunk := connection.recv(4096):
                file.write(chunk)
        file.write(b"\n")
