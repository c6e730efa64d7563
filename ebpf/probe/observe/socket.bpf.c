/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP and UDP sockets over IPv4 and IPv6: connect, accept, bind, listen.
 *
 * Best hooks: the fexit side of the functions that the socket tables of the address families point
 * to. They are called through those tables, so they are never inlined, they run in the task that
 * made the call, and both addresses and the outcome are known when they return. Their signatures
 * changed at the end only (inet_accept lost two arguments in 6.11), so what is read from a fixed
 * place is the arguments before that; whether an accept worked is read from the new socket.
 *
 *   int inet_stream_connect(struct socket *sock, struct sockaddr *uaddr, int addr_len, int flags)
 *   int inet_dgram_connect(struct socket *sock, struct sockaddr *uaddr, int addr_len, int flags)
 *   int inet_accept(struct socket *sock, struct socket *newsock, ...)
 *   int inet_bind(struct socket *sock, struct sockaddr *uaddr, int addr_len), inet6_bind likewise
 *   int inet_listen(struct socket *sock, int backlog)
 *
 * Without trampolines: sys_exit, see sys_exit.bpf.c.
 */
#include "task.h"

/* The address the caller gave, for a connect or bind that did not get as far as the socket. */
struct given {
	__u16 family;
	__u16 port;
	__u8 address[16];
};

static __always_inline void parse_given(struct given *given, const void *address, bool user)
{
	char bytes[24] = {};

	/* sockaddr_in is 16 bytes: a shorter one must not fail for what follows it. */
	if (user) {
		if (bpf_probe_read_user(bytes, 24, address))
			bpf_probe_read_user(bytes, 16, address);
	} else if (bpf_probe_read_kernel(bytes, 24, address)) {
		bpf_probe_read_kernel(bytes, 16, address);
	}
	given->family = *(__u16 *)bytes;
	given->port = bpf_ntohs(*(__u16 *)(bytes + 2));
	if (given->family == AF_INET)
		__builtin_memcpy(given->address, bytes + 4, 4);
	else
		__builtin_memcpy(given->address, bytes + 8, 16);
}

static __always_inline int socket_event(__u32 kind, struct task_struct *task, struct sock *sock, int error,
					const struct given *given, __u32 flags)
{
	struct record record = {};
	struct wire_socket *fixed;
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);

	if (family != AF_INET && family != AF_INET6)
		return 0;
	/* connect(2) with AF_UNSPEC dissolves an association. */
	if (kind == WIRE_CONNECT && given && given->family == AF_UNSPEC)
		return 0;
	if (reserve(&record, kind, WIRE_SIZE_TINY))
		return 0;
	fixed = (struct wire_socket *)(record.memory + sizeof(struct wire_header));
	__builtin_memset(fixed, 0, sizeof(*fixed));
	set_used(&record, sizeof(struct wire_header) + sizeof(*fixed));
	add_flags(&record, flags);
	fill_task(&record, task);
	fixed->family = family;
	fixed->protocol = BPF_CORE_READ(sock, sk_protocol);
	fixed->error = error;
	fixed->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	fixed->remote_port = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (family == AF_INET) {
		*(__u32 *)fixed->local = BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
		*(__u32 *)fixed->remote = BPF_CORE_READ(sock, __sk_common.skc_daddr);
	} else {
		bpf_core_read(fixed->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(fixed->remote, 16, &sock->__sk_common.skc_v6_daddr);
	}
	/* What failed has given its addresses back: what was asked for is all there is. */
	if (kind == WIRE_CONNECT && given && !fixed->remote_port) {
		fixed->remote_port = given->port;
		__builtin_memcpy(fixed->remote, given->address, 16);
	} else if (kind == WIRE_BIND && given && error) {
		fixed->local_port = given->port;
		__builtin_memcpy(fixed->local, given->address, 16);
	} else {
		given = NULL;
	}
	if (given && given->family == AF_INET && family == AF_INET6)
		fixed->family = AF_INET;
	submit(&record);
	return 0;
}

static __always_inline int connect_exit(struct socket *socket, const void *address, int error)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct given given = {};

	if (!task_in_scope(task))
		return 0;
	parse_given(&given, address, 0);
	return socket_event(WIRE_CONNECT, task, BPF_CORE_READ(socket, sk), error, &given, 0);
}

SEC("fexit/inet_stream_connect")
int BPF_PROG(connect_inet_stream_connect, struct socket *socket, void *address, int length, int flags, int error)
{
	return connect_exit(socket, address, error);
}

SEC("fexit/inet_dgram_connect")
int BPF_PROG(connect_inet_dgram_connect, struct socket *socket, void *address, int length, int flags, int error)
{
	return connect_exit(socket, address, error);
}

SEC("fexit/inet_accept")
int BPF_PROG(accept_inet_accept, struct socket *socket, struct socket *accepted)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct sock *sock = BPF_CORE_READ(accepted, sk);

	if (!sock || !task_in_scope(task))
		return 0;
	return socket_event(WIRE_ACCEPT, task, sock, 0, NULL, 0);
}

static __always_inline int bind_exit(struct socket *socket, const void *address, int error)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct given given = {};

	if (!task_in_scope(task))
		return 0;
	parse_given(&given, address, 0);
	return socket_event(WIRE_BIND, task, BPF_CORE_READ(socket, sk), error, &given, 0);
}

SEC("fexit/inet_bind")
int BPF_PROG(bind_inet_bind, struct socket *socket, void *address, int length, int error)
{
	return bind_exit(socket, address, error);
}

SEC("fexit/inet6_bind")
int BPF_PROG(bind_inet6_bind, struct socket *socket, void *address, int length, int error)
{
	return bind_exit(socket, address, error);
}

SEC("fexit/inet_listen")
int BPF_PROG(listen_inet_listen, struct socket *socket, int backlog, int error)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!task_in_scope(task))
		return 0;
	return socket_event(WIRE_LISTEN, task, BPF_CORE_READ(socket, sk), error, NULL, 0);
}
