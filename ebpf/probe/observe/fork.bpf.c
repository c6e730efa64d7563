/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process is created.
 *
 * Hook: sched_process_fork. The kernel calls it in the parent when the child is complete but has
 * not run yet, so it is older than anything the child does. New threads are passed over. The event
 * belongs to the child: its scope is the child's, whose cgroup may be another than the parent's
 * (CLONE_INTO_CGROUP).
 *
 *   void trace_sched_process_fork(struct task_struct *parent, struct task_struct *child)
 */
#include "task.h"

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork_sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct record record = {};

	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid) || !task_in_scope(child))
		return 0;
	if (reserve(&record, WIRE_FORK, WIRE_SIZE_TINY))
		return 0;
	set_used(&record, sizeof(struct wire_header));
	fill_task(&record, child);
	fill_parent(&record, parent);
	submit(&record);
	return 0;
}
