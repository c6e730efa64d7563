"""Connects and joins a program to the connection with pipes, as `ncat --exec` and `socat ... EXEC:` do, or becomes it.

HOST PORT (--exec|-e) PROGRAM    TCP:HOST:PORT EXEC:PROGRAM    HOST PORT --become PROGRAM
"""

import os
import shlex
import socket
import subprocess
import sys

arguments = sys.argv[1:]
if arguments[0].startswith("TCP:"):
    _, host, port = arguments[0].split(":")
    option, program = "--exec", shlex.split(arguments[1].removeprefix("EXEC:"))
else:
    host, port, option, *program = arguments
connection = socket.create_connection((host, int(port)))
if option == "--become":
    for descriptor in range(3):
        os.dup2(connection.fileno(), descriptor)
    os.execv(program[0], program)
ended = subprocess.run(program, input=connection.recv(4096), stdout=subprocess.PIPE)
connection.sendall(ended.stdout)
