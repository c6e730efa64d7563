/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program is started.
 *
 * Hook: sched_process_exec, since 3.4, as a BTF tracepoint since 5.5. The kernel calls it in the
 * task that has just taken on the new image, before its first instruction: arguments and
 * environment are still what execve was given, and the pages that hold them are present, because
 * the kernel has written them. It does not see an execve that fails.
 *
 *   void trace_sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
 */
#include "descriptor.h"
#include "path.h"

/* How much of the environment is looked at, in steps of CHUNK - 1 bytes or one variable. */
#define MAX_ENV_STEPS 256
#define MAX_ENV_BYTES 2048
#define MAX_ENV_NAMES 64

#define TMPFS_MAGIC 0x01021994
#define MAJOR(device) ((device) >> 20)
#define MEM_MAJOR 1
#define NULL_MINOR 3
#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTS_FIRST 136
#define PTS_LAST 143

/* First four bytes of the names worth reporting; user space compares the whole name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_ENV_NAMES);
	__type(key, __u32);
	__type(value, __u8);
} env_names SEC(".maps");

static __always_inline __u32 write_env(struct record *record, struct mm_struct *mm)
{
	unsigned long at = BPF_CORE_READ(mm, env_start), end = BPF_CORE_READ(mm, env_end);
	__u32 start = used_of(record);
	bool inside = 0;

	for (int i = 0; i < MAX_ENV_STEPS; i++) {
		__u32 used = used_of(record);
		__u32 first = 0;
		long bytes;

		if (at >= end)
			return used_of(record) - start;
		if (used > record->size - CHUNK || used - start > MAX_ENV_BYTES)
			break;
		bytes = bpf_probe_read_user_str(record->memory + used, CHUNK, (void *)at);
		if (bytes <= 0)
			break;
		bpf_probe_read_user(&first, sizeof(first), (void *)at);
		if (!inside && bpf_map_lookup_elem(&env_names, &first)) {
			set_used(record, used + bytes);
			if (bytes == CHUNK)
				add_flags(record, WIRE_CUT_ENV);
		}
		/* A variable longer than one step goes on in the next, which is no name. */
		inside = bytes == CHUNK;
		at += inside ? CHUNK - 1 : bytes;
	}
	add_flags(record, WIRE_CUT_ENV);
	return used_of(record) - start;
}

/* The first HEAD and the last TAIL bytes of the arguments; returns the bytes stored. */
static __always_inline __u32 write_args(struct record *record, unsigned long at, __u64 total)
{
	__u32 used = used_of(record), head = total, tail = 0;

	/* The verifier wants each length bounded by a constant, and each place by the record's size less that constant. */
	if (record->size < WIRE_SIZE_HUGE) {
		/* The compiler must not know what the verifier cannot: it would leave the comparison out. */
		barrier_var(head);
		if (used > WIRE_SIZE_MEDIUM / 2 || total > WIRE_SIZE_MEDIUM / 2 || head > WIRE_SIZE_MEDIUM / 2)
			return 0;
		if (bpf_probe_read_user(record->memory + used, head, (void *)at))
			return 0;
		set_used(record, used + head);
		return head;
	}
	if (total > WIRE_ARGS_HEAD) {
		head = WIRE_ARGS_HEAD;
		tail = total - head > WIRE_ARGS_TAIL ? WIRE_ARGS_TAIL : total - head;
	}
	if (total > WIRE_ARGS_HEAD + WIRE_ARGS_TAIL)
		add_flags(record, WIRE_CUT_ARGS);
	barrier_var(head);
	barrier_var(tail);
	if (used > WIRE_SIZE_HUGE - WIRE_ARGS_HEAD - WIRE_ARGS_TAIL || head > WIRE_ARGS_HEAD ||
	    bpf_probe_read_user(record->memory + used, head, (void *)at)) {
		add_flags(record, WIRE_CUT_ARGS);
		return 0;
	}
	set_used(record, used + head);
	used = used_of(record);
	if (!tail)
		return head;
	if (used > WIRE_SIZE_HUGE - WIRE_ARGS_TAIL || tail > WIRE_ARGS_TAIL ||
	    bpf_probe_read_user(record->memory + used, tail, (void *)(at + total - tail))) {
		add_flags(record, WIRE_CUT_ARGS);
		return head;
	}
	set_used(record, used + tail);
	return head + tail;
}

/* What one of the standard streams is. */
static __always_inline void fill_stream(struct wire_exec *exec, struct task_struct *task, int number)
{
	struct file *file = file_of(task, number);
	struct sock *sock;
	__u32 device;
	__u16 mode;

	if (!file)
		return;
	mode = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;
	switch (mode) {
	case S_IFREG:
		exec->stdio_kind[number] = WIRE_STREAM_FILE;
		return;
	case S_IFDIR:
		exec->stdio_kind[number] = WIRE_STREAM_DIRECTORY;
		return;
	case S_IFBLK:
		exec->stdio_kind[number] = WIRE_STREAM_BLOCK;
		return;
	case S_IFIFO:
		exec->stdio_kind[number] = WIRE_STREAM_PIPE;
		return;
	case S_IFCHR:
		device = BPF_CORE_READ(file, f_inode, i_rdev);
		exec->stdio_kind[number] = WIRE_STREAM_CHARACTER;
		if (MAJOR(device) == MEM_MAJOR && (device & 0xfffff) == NULL_MINOR)
			exec->stdio_kind[number] = WIRE_STREAM_NULL;
		if (MAJOR(device) == TTY_MAJOR || MAJOR(device) == TTYAUX_MAJOR ||
		    (MAJOR(device) >= PTS_FIRST && MAJOR(device) <= PTS_LAST))
			exec->stdio_kind[number] = WIRE_STREAM_TERMINAL;
		return;
	case S_IFSOCK:
		break;
	default:
		exec->stdio_kind[number] = WIRE_STREAM_OTHER;
		return;
	}
	exec->stdio_kind[number] = WIRE_STREAM_SOCKET;
	sock = sock_of_file(file);
	exec->stdio_family[number] = BPF_CORE_READ(sock, __sk_common.skc_family);
	if (exec->stdio_family[number] == AF_INET) {
		exec->stdio_port[number] = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
		*(__u32 *)&exec->stdio_peer[number * 16] = BPF_CORE_READ(sock, __sk_common.skc_daddr);
	} else if (exec->stdio_family[number] == AF_INET6) {
		exec->stdio_port[number] = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
		bpf_core_read(&exec->stdio_peer[number * 16], 16, &sock->__sk_common.skc_v6_daddr);
	}
}

/* Which file the executable is, and whether it is a memfd or has lost its last name. */
static __always_inline void fill_executable(struct record *record, struct wire_exec *exec, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	char name[8] = {};

	exec->inode = BPF_CORE_READ(inode, i_ino);
	exec->device = BPF_CORE_READ(inode, i_sb, s_dev);
	exec->generation = BPF_CORE_READ(inode, i_generation);
	exec->changed_ns = inode_changed_ns(inode);
	if (BPF_CORE_READ(file, f_inode, i_nlink))
		return;
	add_flags(record, WIRE_DELETED);
	bpf_probe_read_kernel(name, 6, BPF_CORE_READ(dentry, d_name.name));
	/* A memfd has no directory above it; a file that merely has the name does. */
	if (BPF_CORE_READ(dentry, d_parent) == dentry && *(__u64 *)name == 0x3a64666d656dULL &&
	    BPF_CORE_READ(file, f_inode, i_sb, s_magic) == TMPFS_MAGIC)
		add_flags(record, WIRE_MEMFD);
}

#define CUT_FOR_ROOM (WIRE_CUT_EXECUTABLE | WIRE_CUT_DIRECTORY | WIRE_CUT_CGROUP | WIRE_CUT_REQUESTED | WIRE_CUT_INTERPRETER)

/* Fills a record of one size. Returns whether it should be tried again with the largest one. */
static __always_inline bool exec_record(struct task_struct *task, struct linux_binprm *bprm, __u32 size)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(bprm, file);
	const char *filename = BPF_CORE_READ(bprm, filename), *interp = BPF_CORE_READ(bprm, interp);
	unsigned long arg_start = BPF_CORE_READ(mm, arg_start);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct record record = {};
	struct wire_exec *exec;

	if (reserve(&record, WIRE_EXEC, size))
		return 0;
	exec = (struct wire_exec *)(record.memory + sizeof(struct wire_header));
	__builtin_memset(exec, 0, sizeof(*exec));
	set_used(&record, sizeof(struct wire_header) + sizeof(*exec));
	fill_task(&record, task);
	fill_parent(&record, BPF_CORE_READ(task, real_parent));
	fill_executable(&record, exec, file);
	for (int i = 0; i < 3; i++)
		fill_stream(exec, task, i);
	exec->args_bytes = BPF_CORE_READ(mm, arg_end) - arg_start;
	exec->args_count = BPF_CORE_READ(bprm, argc);
	exec->executable_len = write_path(&record, task, &file->f_path, WIRE_CUT_EXECUTABLE);
	exec->directory_len = write_path(&record, task, &fs->pwd, WIRE_CUT_DIRECTORY);
	exec->cgroup_len = write_cgroup(&record, task);
	exec->requested_len = write_text(&record, filename, 0, WIRE_CUT_REQUESTED);
	if (interp != filename)
		exec->interpreter_len = write_text(&record, interp, 0, WIRE_CUT_INTERPRETER);
	exec->env_len = write_env(&record, mm);
	exec->args_len = write_args(&record, arg_start, exec->args_bytes);
	if (size < WIRE_SIZE_HUGE && (header_of(&record)->flags & CUT_FOR_ROOM || (exec->args_bytes && !exec->args_len))) {
		discard(&record);
		return 1;
	}
	submit(&record);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct mm_struct *mm;
	__u64 args;

	if (!task_in_scope(task))
		return 0;
	mm = BPF_CORE_READ(task, mm);
	args = BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start);
	/* Half a record is for arguments, so that constants bound their place and their length. */
	if (args > WIRE_SIZE_MEDIUM / 2 || exec_record(task, bprm, WIRE_SIZE_MEDIUM))
		exec_record(task, bprm, WIRE_SIZE_HUGE);
	return 0;
}
