"""Holds a secret in memory, says where in a file, and waits to be ended."""

import ctypes
import os
import signal
import sys

secret = ctypes.create_string_buffer(b"made-up secret")
signal.alarm(30)
with open(sys.argv[1] + ".new", "w") as file:
    print(ctypes.addressof(secret), len(secret.value), file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
signal.pause()
