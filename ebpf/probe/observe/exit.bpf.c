/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last thread of a process ends.
 *
 * Hook: sched_process_exit, called for every thread in do_exit. `signal->live` counts the threads
 * that have not yet come this far, and each takes itself off before the hook:
 *
 *   thread A   live 2 -> 1 ............ hook
 *   thread B             live 1 -> 0 ......... hook
 *
 * Two threads may both read 0 in their hooks, so the process is entered in a small table and only
 * the first to enter it makes the event. The process does nothing after that.
 *
 *   void trace_sched_process_exit(struct task_struct *p)            since 6.16: also bool group_dead
 */
#include "task.h"

#define MAX_ENDED 4096

struct ended_key {
	__u64 start_ns;
	__u32 pid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_ENDED);
	__type(key, struct ended_key);
	__type(value, __u8);
} ended SEC(".maps");

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_sched_process_exit, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct record record = {};
	struct ended_key key = {};
	struct wire_exit *exit;
	__u8 one = 1;

	if (BPF_CORE_READ(signal, live.counter) > 0 || !task_in_scope(task))
		return 0;
	key.pid = BPF_CORE_READ(task, tgid);
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	if (bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST))
		return 0;
	if (reserve(&record, WIRE_EXIT, WIRE_SIZE_TINY))
		return 0;
	set_used(&record, sizeof(struct wire_header) + sizeof(*exit));
	fill_task(&record, task);
	exit = (struct wire_exit *)(record.memory + sizeof(struct wire_header));
	exit->pad0 = 0;
	/* With exit_group or a deadly signal the group's code counts, else that of the last thread. */
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		exit->status = BPF_CORE_READ(signal, group_exit_code);
	else
		exit->status = BPF_CORE_READ(task, exit_code);
	submit(&record);
	return 0;
}
