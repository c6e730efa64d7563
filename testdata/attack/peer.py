"""The other end for the scripts here: an operator, a web server, a server that says hello, a network to be on.

Every command ends by itself within half a minute, which only an emulated guest can need. Servers write their port to a file once they listen.
"""

import fcntl
import os
import signal
import socket
import struct
import sys

ADDRESS = "192.0.2.1"


def network():
    """Brings up the loopback device of a new network namespace and gives it an address that is not loopback."""
    siocsifaddr, siocgifflags, siocsifflags, iff_up = 0x8916, 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name in (b"lo", b"lo:1"):
            if name == b"lo:1":
                address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(ADDRESS))
                fcntl.ioctl(control, siocsifaddr, struct.pack("16s16s8x", name, address))
            flags = fcntl.ioctl(control, siocgifflags, struct.pack("16s24x", name))
            (old,) = struct.unpack_from("H", flags, 16)
            fcntl.ioctl(control, siocsifflags, struct.pack("16sH22x", name, old | iff_up))


def listen(address, port_file):
    server = socket.create_server((address, 0))
    publish(port_file, str(server.getsockname()[1]))
    return server


def publish(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def read_all(connection):
    received = b""
    while chunk := connection.recv(4096):
        received += chunk
    return received


def operator(port_file, output, count):
    """Types `id` and `exit` into whatever connects, and keeps the answers."""
    with listen("127.0.0.1", port_file) as server, open(output, "wb") as file:
        for _ in range(int(count)):
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"id\nexit\n")
                file.write(read_all(connection))


def web(port_file, body, count):
    """Serves one file to every request."""
    with open(body, "rb") as file:
        content = file.read()
    with listen("127.0.0.1", port_file) as server:
        for _ in range(int(count)):
            connection, _ = server.accept()
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
                connection.sendall(head.encode() + content)


def hello(address, port_file, count):
    """Greets whoever connects."""
    with listen(address, port_file) as server:
        for _ in range(int(count)):
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"hello\n")


def call(address, port):
    """Connects, prints what the server says."""
    with socket.create_connection((address, int(port))) as connection:
        print(read_all(connection).decode(), end="")


signal.alarm(30)
{"network": network, "operator": operator, "web": web, "hello": hello, "call": call}[sys.argv[1]](*sys.argv[2:])
