/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom we watch. A task is in scope if its cgroup (version 2) is the scope's or below it. What is
 * out of scope leaves no record and no name.
 */
#ifndef BEEWOLF_SCOPE_H
#define BEEWOLF_SCOPE_H

#include "compat.h"

/* Id of the scope's cgroup and its depth below the root; id 0: the whole host. */
const volatile __u64 cfg_scope_cgroup = 0;
const volatile __u32 cfg_scope_level = 0;

static __always_inline bool cgroup_in_scope(struct cgroup *cgroup)
{
	if (!cfg_scope_cgroup)
		return 1;
	if (BPF_CORE_READ(cgroup, level) < (int)cfg_scope_level)
		return 0;
	return cgroup_ancestor_id(cgroup, cfg_scope_level) == cfg_scope_cgroup;
}

static __always_inline bool task_in_scope(struct task_struct *task)
{
	if (!cfg_scope_cgroup)
		return 1;
	return cgroup_in_scope(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

#endif
