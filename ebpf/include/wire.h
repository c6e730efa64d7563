/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the probes and the engine say to each other: the only truth for every record.
 *
 * Included by the probes (after kernel.h has defined the fixed-width types) and read by
 * ebpf/build.rs, which makes the Rust constants and field offsets from it. Rules that keep it
 * readable for both: fixed-width integers and byte arrays only, no nested structs, no pointers,
 * explicit padding, one member a line, constants as WIRE_* macros or enum lines `NAME = NUMBER,`.
 *
 * Integers are in host byte order, ports too; addresses are in network byte order, IPv4 in the
 * first four bytes. Times are nanoseconds on CLOCK_BOOTTIME. "Absent" is 0 unless said otherwise.
 *
 * A record is a header, the fixed part of its kind, and a tail: the byte strings whose lengths the
 * fixed part gives, one after the other in the order of their length members. A path is stored
 * from its last component to its first, each ended by a NUL byte, because the kernel's tree is
 * walked upwards; user space turns it round.
 */
#ifndef BEEWOLF_WIRE_H
#define BEEWOLF_WIRE_H

/* Rings there can be: ring_0 to ring_15. */
#define WIRE_RINGS 16

/* Kinds: the numbers of event/mod.rs, and records that are no events. */
enum wire_kind {
	WIRE_EXEC = 1,
	WIRE_FORK = 2,
	WIRE_EXIT = 3,
	WIRE_FILE_OPEN = 4,
	WIRE_CONNECT = 5,
	WIRE_ACCEPT = 6,
	WIRE_BIND = 7,
	WIRE_LISTEN = 8,
	/* A process as it is, not something that happened: from the iterator, or when one enters the scope. */
	WIRE_TASK = 9,
	WIRE_KINDS = 10,
};

/* Bits of header.flags. */
#define WIRE_CUT_ARGS 1
#define WIRE_CUT_ENV 2
#define WIRE_CUT_EXECUTABLE 4
#define WIRE_CUT_REQUESTED 8
#define WIRE_CUT_DIRECTORY 16
#define WIRE_CUT_PATH 32
#define WIRE_CUT_CGROUP 64
#define WIRE_CUT_INTERPRETER 128
/* The record comes from the tracepoint alternative: the fields its table calls racy are racy. */
#define WIRE_RACY 256
/* The executable is a memfd. */
#define WIRE_MEMFD 512
/* The executable had no link left. */
#define WIRE_DELETED 1024
/* The open made the file. */
#define WIRE_CREATED 2048
/* The opened file lies outside the process's root: its path starts at the top of another tree of mounts. */
#define WIRE_OUTSIDE_ROOT 4096

/* Arguments: of more than both together the first HEAD and the last TAIL bytes are kept. */
#define WIRE_ARGS_HEAD 24576
#define WIRE_ARGS_TAIL 8192

/* Record sizes, bytes. */
#define WIRE_SIZE_TINY 256
#define WIRE_SIZE_SMALL 1024
#define WIRE_SIZE_MEDIUM 4096
#define WIRE_SIZE_LARGE 16384
#define WIRE_SIZE_HUGE 49152

/* Kinds of descriptors in stdio_kind. */
enum wire_stream {
	WIRE_STREAM_CLOSED = 0,
	WIRE_STREAM_FILE = 1,
	WIRE_STREAM_DIRECTORY = 2,
	WIRE_STREAM_CHARACTER = 3,
	WIRE_STREAM_BLOCK = 4,
	WIRE_STREAM_PIPE = 5,
	WIRE_STREAM_SOCKET = 6,
	WIRE_STREAM_OTHER = 7,
	WIRE_STREAM_TERMINAL = 8,
	WIRE_STREAM_NULL = 9,
};

struct wire_header {
	/* enum wire_kind */
	__u32 kind;
	/* Bytes used, header included. */
	__u32 length;
	/* When the hook had its place in the ring. */
	__u64 time_ns;
	/* Counts the records of this ring, from 0. */
	__u64 sequence;
	__u32 cpu;
	/* WIRE_* bits */
	__u32 flags;
	/* Thread group, in the initial pid namespace. For fork: the child. */
	__u32 pid;
	/* Thread, in the initial pid namespace. */
	__u32 tid;
	/* Start of the group leader. */
	__u64 start_ns;
	/* The kernel's count of execs. */
	__u64 self_exec_id;
	/* Effective capabilities, bit N is capability N. */
	__u64 capabilities;
	/* Cgroup v2: inode number of its directory. */
	__u64 cgroup_id;
	__u32 uid;
	__u32 euid;
	__u32 egid;
	/* Inode numbers of the namespaces. */
	__u32 mnt_ns;
	__u32 net_ns;
	__u32 pid_ns;
	__u32 user_ns;
	/* The creator's thread group (fork, exec, task); 0: unknown or out of scope. */
	__u32 parent_pid;
	__u64 parent_start_ns;
	char comm[16];
};

struct wire_exec {
	/* The executable's inode number. */
	__u64 inode;
	/* When its inode last changed, nanoseconds since the epoch. */
	__u64 changed_ns;
	/* Its device: major << 20 | minor. */
	__u32 device;
	/* Its generation: the inode number alone may have been another file's. */
	__u32 generation;
	/* Bytes of all arguments; what is in the tail is min(this, HEAD + TAIL). */
	__u64 args_bytes;
	__u32 args_count;
	/* enum wire_stream of descriptors 0, 1, 2 */
	__u8 stdio_kind[3];
	__u8 pad0;
	/* Address family of the three, if sockets. */
	__u16 stdio_family[3];
	/* Peer ports of the three. */
	__u16 stdio_port[3];
	/* Peer addresses of the three, 16 bytes each. */
	__u8 stdio_peer[48];
	/* Tail. Executable: a path. */
	__u32 executable_len;
	/* A path. */
	__u32 directory_len;
	/* A path of cgroup names. */
	__u32 cgroup_len;
	/* Bytes. */
	__u32 requested_len;
	/* Bytes; 0: not a script. */
	__u32 interpreter_len;
	/* NAME=value, each ended by NUL. */
	__u32 env_len;
	/* Arguments, each ended by NUL; last, because it is the longest. */
	__u32 args_len;
};

/* A process as it is. */
struct wire_task {
	/* Tail: paths. */
	__u32 executable_len;
	__u32 directory_len;
	__u32 cgroup_len;
	__u32 pad0;
};

struct wire_exit {
	/* As wait(2) gives it: exit code << 8, or the signal. */
	__u32 status;
	__u32 pad0;
};

struct wire_file_open {
	__u64 inode;
	/* The flags of the system call. */
	__u32 open_flags;
	/* Mode of the inode: type and permissions. */
	__u32 mode;
	__u32 device;
	__u32 uid;
	__u32 gid;
	/* Negative errno, or 0. */
	__s32 error;
	/* Tail. Resolved: a path; 0: the open failed. */
	__u32 path_len;
	/* Bytes. */
	__u32 requested_len;
};

struct wire_socket {
	/* AF_INET or AF_INET6 */
	__u16 family;
	/* IPPROTO_* */
	__u16 protocol;
	__u16 local_port;
	__u16 remote_port;
	/* Negative errno, or 0. */
	__s32 error;
	__u8 local[16];
	__u8 remote[16];
	__u32 pad0;
};

/* One per ring and kind in the map `counters`, at ring * WIRE_KINDS + kind; kind 0 is the ring itself. */
struct wire_counter {
	/* Records written; for kind 0 the next sequence number. */
	__u64 written;
	/* Records the ring had no room for. */
	__u64 lost;
	__u64 first_lost_ns;
	__u64 last_lost_ns;
};

#endif
