/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who did it: the part of the header that comes from a task. */
#ifndef BEEWOLF_TASK_H
#define BEEWOLF_TASK_H

#include "emit.h"
#include "scope.h"

#define MAX_CONTROLLERS 14

/* Marks the id of a cgroup of version 1, whose numbers are counted apart from those of version 2. */
#define CGROUP_V1_BIT (1ULL << 62)

/*
 * The cgroup that says where a task belongs: of version 2, or on hosts that keep version 1 beside it
 * and leave version 2 at its root, of the first controller of version 1 that is not at its root.
 */
static __always_inline struct cgroup *task_cgroup(struct task_struct *task, __u64 *mark)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *cgroup = BPF_CORE_READ(set, dfl_cgrp);
	__u32 controllers = bpf_core_field_size(set->subsys) / sizeof(void *);

	*mark = 0;
	if (BPF_CORE_READ(cgroup, level) > 0)
		return cgroup;
	for (__u32 i = 0; i < MAX_CONTROLLERS && i < controllers; i++) {
		struct cgroup_subsys_state *state = NULL;
		struct cgroup *other;

		bpf_probe_read_kernel(&state, sizeof(state),
				      (char *)set + bpf_core_field_offset(set->subsys) + i * sizeof(void *));
		other = BPF_CORE_READ(state, cgroup);
		if (BPF_CORE_READ(other, level) > 0) {
			*mark = CGROUP_V1_BIT;
			return other;
		}
	}
	return cgroup;
}

static __always_inline void fill_task(struct record *record, struct task_struct *task)
{
	struct wire_header *header = header_of(record);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct cred *cred = BPF_CORE_READ(task, cred);
	struct nsproxy *namespaces = BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct pid_namespace *pid_ns = NULL;
	__u64 mark;
	struct cgroup *cgroup = task_cgroup(task, &mark);

	header->pid = BPF_CORE_READ(task, tgid);
	header->tid = BPF_CORE_READ(task, pid);
	header->start_ns = BPF_CORE_READ(leader, start_boottime);
	header->self_exec_id = BPF_CORE_READ(task, self_exec_id);
	header->uid = BPF_CORE_READ(cred, uid.val);
	header->euid = BPF_CORE_READ(cred, euid.val);
	header->egid = BPF_CORE_READ(cred, egid.val);
	header->capabilities = effective_capabilities(cred);
	header->user_ns = BPF_CORE_READ(cred, user_ns, ns.inum);
	header->cgroup_id = BPF_CORE_READ(cgroup, kn, id) | mark;
	if (namespaces) {
		header->mnt_ns = BPF_CORE_READ(namespaces, mnt_ns, ns.inum);
		header->net_ns = BPF_CORE_READ(namespaces, net_ns, ns.inum);
	}
	/* The namespace the task lives in is that of the deepest of its numbers. */
	bpf_probe_read_kernel(&pid_ns, sizeof(pid_ns),
			      (char *)pid + bpf_core_field_offset(pid->numbers) + level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(((struct upid *)0)->ns));
	header->pid_ns = BPF_CORE_READ(pid_ns, ns.inum);
	bpf_core_read(&header->comm, sizeof(header->comm), &task->comm);
}

/* The process that made this one, if it may be named. */
static __always_inline void fill_parent(struct record *record, struct task_struct *parent)
{
	struct wire_header *header = header_of(record);

	if (!parent || !task_in_scope(parent))
		return;
	header->parent_pid = BPF_CORE_READ(parent, tgid);
	header->parent_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
}

#endif
