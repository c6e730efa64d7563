"""Gives a program one capability, by its number, as effective and permitted: struct vfs_cap_data of linux/capability.h."""

import os
import struct
import sys

path, number = sys.argv[1], int(sys.argv[2])
VERSION_2, EFFECTIVE = 0x02000000, 0x000001
os.setxattr(path, "security.capability", struct.pack("<5I", VERSION_2 | EFFECTIVE, 1 << number, 0, 0, 0))
