/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where kernels differ. Each accessor tests for the member or type it needs, never for a version,
 * and names the change that made the difference.
 */
#ifndef BEEWOLF_COMPAT_H
#define BEEWOLF_COMPAT_H

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Before 6.15 the parent of a kernfs node is `parent`; 633488947ef6 made it `__parent` (RCU). */
struct kernfs_node___old {
	struct kernfs_node *parent;
};
struct kernfs_node___new {
	struct kernfs_node *__parent;
};

/* Before 6.1 a cgroup lists its ancestors' ids; 7f203bc89eb6 made it their addresses. */
struct cgroup___ids {
	__u64 ancestor_ids[1];
};
struct cgroup___pointers {
	struct cgroup *ancestors[1];
};

/* Capabilities were two words until f122a08b197d (6.3) made them one. */
struct cred___words {
	struct {
		__u32 cap[2];
	} cap_effective;
};
struct cred___one {
	struct {
		__u64 val;
	} cap_effective;
};

/*
 * When an inode last changed was `i_ctime` until 13bc24457850 (6.6) made it `__i_ctime` and 3aa63a569c64
 * (6.11) two words. Since 4e40eff0b573 (6.13) the highest bit of the second says that it has been asked for.
 */
struct inode___stamp {
	struct {
		__s64 tv_sec;
		long tv_nsec;
	} i_ctime;
};
struct inode___hidden {
	struct {
		__s64 tv_sec;
		long tv_nsec;
	} __i_ctime;
};
struct inode___words {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};
#define CTIME_QUERIED (1U << 31)

#pragma clang attribute pop

/* Nanoseconds since the epoch. */
static __always_inline __u64 inode_changed_ns(struct inode *inode)
{
	struct inode___words *words = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___stamp *stamp = (void *)inode;

	if (bpf_core_field_exists(words->i_ctime_sec))
		return BPF_CORE_READ(words, i_ctime_sec) * 1000000000ULL +
		       (BPF_CORE_READ(words, i_ctime_nsec) & ~CTIME_QUERIED);
	if (bpf_core_field_exists(hidden->__i_ctime))
		return BPF_CORE_READ(hidden, __i_ctime.tv_sec) * 1000000000ULL + BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	return BPF_CORE_READ(stamp, i_ctime.tv_sec) * 1000000000ULL + BPF_CORE_READ(stamp, i_ctime.tv_nsec);
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___new *newer = (void *)node;
	struct kernfs_node___old *older = (void *)node;

	if (bpf_core_field_exists(newer->__parent))
		return BPF_CORE_READ(newer, __parent);
	return BPF_CORE_READ(older, parent);
}

/* The id of the ancestor of `cgroup` at `level`, which must not exceed its own. */
static __always_inline __u64 cgroup_ancestor_id(struct cgroup *cgroup, __u32 level)
{
	struct cgroup___pointers *newer = (void *)cgroup;
	struct cgroup___ids *older = (void *)cgroup;
	struct cgroup *ancestor = NULL;
	__u64 id = 0;

	if (bpf_core_field_exists(newer->ancestors)) {
		__u32 offset = bpf_core_field_offset(newer->ancestors) + level * sizeof(void *);

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), (char *)cgroup + offset);
		return BPF_CORE_READ(ancestor, kn, id);
	}
	bpf_probe_read_kernel(&id, sizeof(id), (char *)cgroup + bpf_core_field_offset(older->ancestor_ids) + level * sizeof(id));
	return id;
}

static __always_inline __u64 effective_capabilities(struct cred *cred)
{
	struct cred___one *one = (void *)cred;
	struct cred___words *words = (void *)cred;
	__u64 bits = 0;

	if (bpf_core_field_exists(one->cap_effective.val))
		return BPF_CORE_READ(one, cap_effective.val);
	/* Low word first, so on a little-endian machine the pair is the number. */
	bpf_core_read(&bits, sizeof(bits), &words->cap_effective);
	return bits;
}

#endif
