/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes that were there before us, and processes that enter the scope.
 *
 * Hooks: the task iterator (since 5.8), read once at start, and the tracepoint cgroup_attach_task
 * (as a BTF tracepoint since 5.5), called when a task has been moved to another cgroup. Both give
 * the process as it is now; neither is an event.
 *
 *   void trace_cgroup_attach_task(struct cgroup *dst, const char *path, struct task_struct *task, bool threadgroup)
 */
#include "path.h"

/* The iterator's records are put together here: one program, one reader, so nobody else writes it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[WIRE_SIZE_LARGE]);
} seed SEC(".maps");

static __always_inline void fill_seed(struct record *record, struct task_struct *task)
{
	struct wire_task *fixed = (struct wire_task *)(record->memory + sizeof(struct wire_header));
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *file = BPF_CORE_READ(mm, exe_file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	__builtin_memset(fixed, 0, sizeof(*fixed));
	set_used(record, sizeof(struct wire_header) + sizeof(*fixed));
	fill_task(record, task);
	fill_parent(record, BPF_CORE_READ(task, real_parent));
	/* Kernel threads have neither. */
	if (file)
		fixed->executable_len = write_path(record, task, &file->f_path, WIRE_CUT_EXECUTABLE);
	if (fs)
		fixed->directory_len = write_path(record, task, &fs->pwd, WIRE_CUT_DIRECTORY);
	fixed->cgroup_len = write_cgroup(record, task);
}

SEC("iter/task")
int task_iter(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct record record = {};
	__u32 zero = 0, used;
	char *memory;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) || !task_in_scope(task))
		return 0;
	memory = bpf_map_lookup_elem(&seed, &zero);
	if (!memory)
		return 0;
	record.memory = memory;
	record.size = WIRE_SIZE_LARGE;
	__builtin_memset(memory, 0, sizeof(struct wire_header));
	header_of(&record)->kind = WIRE_TASK;
	header_of(&record)->time_ns = bpf_ktime_get_boot_ns();
	fill_seed(&record, task);
	used = used_of(&record);
	if (used <= WIRE_SIZE_LARGE)
		bpf_seq_write(context->meta->seq, memory, used);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(task_cgroup_attach_task, struct cgroup *target, const char *path, struct task_struct *task)
{
	struct record record = {};

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) || !task_in_scope(task))
		return 0;
	if (reserve(&record, WIRE_TASK, WIRE_SIZE_MEDIUM))
		return 0;
	fill_seed(&record, task);
	submit(&record);
	return 0;
}
