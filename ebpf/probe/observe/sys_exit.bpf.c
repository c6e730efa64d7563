/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What trampolines would tell, from the end of system calls, for kernels that refuse trampolines.
 *
 * Hook: the raw tracepoint sys_exit. One program for all kinds, because each further one costs every
 * system call of the host. The registers still hold the arguments of the call; what they point to is
 * the caller's memory, which another thread can have changed. Descriptors are looked up by number
 * and can have been closed and opened again. All of that is marked WIRE_RACY.
 *
 * It does not see what io_uring does.
 *
 *   void trace_sys_exit(struct pt_regs *regs, long ret)
 */
#include "path.h"
#include "descriptor.h"
#include "syscall.h"

#define EINPROGRESS 115
#define O_CREAT 00000100
#define O_WRONLY 00000001
#define O_TRUNC 00001000

/* Bit N: make events of kind N. A map and not a setting, because it is known only after trampolines were tried. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sys_exit_kinds SEC(".maps");

static __always_inline bool asked_for(__u32 kind)
{
	__u32 zero = 0;
	__u32 *kinds = bpf_map_lookup_elem(&sys_exit_kinds, &zero);

	return kinds && *kinds >> kind & 1;
}

static __always_inline int socket_call(struct task_struct *task, enum call call, long number, const void *address, long ret)
{
	struct given given = {};
	struct sock *sock;

	if (call == CALL_ACCEPT) {
		if (!asked_for(WIRE_ACCEPT) || ret < 0)
			return 0;
		sock = sock_of_file(file_of(task, ret));
		return sock ? socket_event(WIRE_ACCEPT, task, sock, 0, NULL, WIRE_RACY) : 0;
	}
	sock = sock_of_file(file_of(task, number));
	if (!sock)
		return 0;
	if (call == CALL_CONNECT && asked_for(WIRE_CONNECT)) {
		parse_given(&given, address, 1);
		return socket_event(WIRE_CONNECT, task, sock, ret, &given, WIRE_RACY);
	}
	if (call == CALL_BIND && asked_for(WIRE_BIND)) {
		parse_given(&given, address, 1);
		return socket_event(WIRE_BIND, task, sock, ret, &given, WIRE_RACY);
	}
	if (call == CALL_LISTEN && asked_for(WIRE_LISTEN))
		return socket_event(WIRE_LISTEN, task, sock, ret, NULL, WIRE_RACY);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 number = BPF_CORE_READ(regs, orig_ax);
	bool compat = BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
	enum call call = compat ? compat_call(number) : native_call(number & ~X32_BIT);
	unsigned long first, second, third;
	struct opened opened = {};
	__u64 how = 0;

	if (call == CALL_NONE || !task_in_scope(task))
		return 0;
	if (compat) {
		/* The upper halves are no part of the arguments: a 64-bit caller can leave anything there. */
		first = (__u32)BPF_CORE_READ(regs, bx);
		second = (__u32)BPF_CORE_READ(regs, cx);
		third = (__u32)BPF_CORE_READ(regs, dx);
	} else {
		first = BPF_CORE_READ(regs, di);
		second = BPF_CORE_READ(regs, si);
		third = BPF_CORE_READ(regs, dx);
	}
	if (call == CALL_SOCKETCALL) {
		__u32 arguments[2] = {};

		call = socketcall_call(first);
		bpf_probe_read_user(arguments, sizeof(arguments), (void *)second);
		first = arguments[0];
		second = arguments[1];
	}
	if (call >= CALL_CONNECT)
		return socket_call(task, call, (int)first, (void *)second, ret);
	if (!asked_for(WIRE_FILE_OPEN) || call == CALL_NONE)
		return 0;
	switch (call) {
	case CALL_OPEN:
		how = second;
		break;
	case CALL_CREAT:
		how = O_CREAT | O_WRONLY | O_TRUNC;
		break;
	case CALL_OPENAT:
		first = second;
		how = third;
		break;
	default:
		first = second;
		/* struct open_how begins with the flags. */
		bpf_probe_read_user(&how, sizeof(how), (void *)third);
		break;
	}
	opened.requested = (void *)first;
	opened.open_flags = how;
	opened.user = 1;
	opened.flags = WIRE_RACY;
	if (ret < 0)
		opened.error = ret;
	else
		opened.file = file_of(task, ret);
	return file_open(&opened, task);
}
