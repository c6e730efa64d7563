/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Byte strings and paths into the tail of a record.
 *
 * Everything is copied in steps of at most CHUNK bytes behind one comparison of `used` with a
 * constant, which is the form in which verifiers from 5.10 on can follow it.
 */
#ifndef BEEWOLF_PATH_H
#define BEEWOLF_PATH_H

#include "task.h"

/* NAME_MAX and its NUL. */
#define CHUNK 256
/* Components and mount points of a path; deeper ones are cut at the root's side. */
#define MAX_DEPTH 128
/* Steps of CHUNK - 1 bytes in PATH_MAX. */
#define MAX_STEPS 17
#define MAX_CGROUP_DEPTH 16

/* Where a walk stands, and where it ends. */
struct walk {
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *mount_root;
	struct dentry *root_dentry;
	struct mount *root_mount;
};

static __always_inline struct mount *mount_of(struct vfsmount *vfs)
{
	return (struct mount *)((char *)vfs - bpf_core_field_offset(((struct mount *)0)->mnt));
}

static __always_inline void walk_start(struct walk *walk, struct task_struct *task, struct path *from)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct vfsmount *vfs = BPF_CORE_READ(from, mnt);

	walk->dentry = BPF_CORE_READ(from, dentry);
	walk->mount = mount_of(vfs);
	walk->mount_root = BPF_CORE_READ(vfs, mnt_root);
	walk->root_dentry = BPF_CORE_READ(fs, root.dentry);
	walk->root_mount = mount_of(BPF_CORE_READ(fs, root.mnt));
}

/* What to do at a place of the walk. */
enum step {
	STEP_NAME,
	STEP_MOUNT,
	STEP_ROOT,
	STEP_OUTSIDE,
};

/* Moves over a mount point if the walk stands on the root of a mount. */
static __always_inline enum step walk_step(struct walk *walk)
{
	/* Copies, because BPF_CORE_READ would take the members of `walk` for members of a kernel structure. */
	struct mount *mount = walk->mount, *parent;

	if (unlikely(walk->dentry == walk->root_dentry && mount == walk->root_mount))
		return STEP_ROOT;
	if (likely(walk->dentry != walk->mount_root))
		return STEP_NAME;
	parent = BPF_CORE_READ(mount, mnt_parent);
	/* The top of a tree of mounts, and the process's root was not on the way. */
	if (parent == mount)
		return STEP_OUTSIDE;
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mount = parent;
	walk->mount_root = BPF_CORE_READ(parent, mnt.mnt_root);
	return STEP_MOUNT;
}

/* Appends one NUL-terminated kernel string of at most NAME_MAX bytes; returns its bytes with the NUL, or 0. */
static __always_inline __u32 write_name(struct record *record, const void *name)
{
	__u32 used = used_of(record);
	long bytes;

	if (used > record->size - CHUNK)
		return 0;
	bytes = bpf_probe_read_kernel_str(record->memory + used, CHUNK, name);
	if (bytes <= 0)
		return 0;
	set_used(record, used + bytes);
	return bytes;
}

/* Appends the components of a path, last first; returns their bytes. Sets `cut` in the flags if some are missing. */
static __always_inline __u32 write_path(struct record *record, struct task_struct *task, struct path *from, __u32 cut)
{
	__u32 start = used_of(record);
	struct walk walk;

	walk_start(&walk, task, from);
	for (int i = 0; i < MAX_DEPTH; i++) {
		struct dentry *dentry, *parent;
		enum step step = walk_step(&walk);

		if (step == STEP_MOUNT)
			continue;
		/* Of a record with several paths one flag could not say which it means. */
		if (step == STEP_OUTSIDE && cut == WIRE_CUT_PATH)
			add_flags(record, WIRE_OUTSIDE_ROOT);
		if (step != STEP_NAME)
			return used_of(record) - start;
		dentry = walk.dentry;
		if (!write_name(record, BPF_CORE_READ(dentry, d_name.name)))
			break;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			return used_of(record) - start;
		walk.dentry = parent;
	}
	add_flags(record, cut);
	return used_of(record) - start;
}

/* Appends the names of a cgroup and those above it; returns their bytes. */
static __always_inline __u32 write_cgroup(struct record *record, struct task_struct *task)
{
	__u64 mark;
	struct cgroup *cgroup = task_cgroup(task, &mark);
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	__u32 start = used_of(record);

	for (int i = 0; i < MAX_CGROUP_DEPTH; i++) {
		struct kernfs_node *parent = kernfs_parent(node);

		/* The root has no parent, and its name is empty. */
		if (!parent)
			return used_of(record) - start;
		if (!write_name(record, BPF_CORE_READ(node, name)))
			break;
		node = parent;
	}
	add_flags(record, WIRE_CUT_CGROUP);
	return used_of(record) - start;
}

/* Appends a NUL-terminated string without its NUL, in steps; returns its bytes. */
static __always_inline __u32 write_text(struct record *record, const char *text, bool user, __u32 cut)
{
	__u32 start = used_of(record);

	for (int i = 0; i < MAX_STEPS; i++) {
		__u32 used = used_of(record);
		long bytes;

		if (used > record->size - CHUNK)
			break;
		if (user)
			bytes = bpf_probe_read_user_str(record->memory + used, CHUNK, text);
		else
			bytes = bpf_probe_read_kernel_str(record->memory + used, CHUNK, text);
		if (bytes <= 0)
			return used_of(record) - start;
		set_used(record, used + bytes - 1);
		if (bytes < CHUNK)
			return used_of(record) - start;
		text += CHUNK - 1;
	}
	add_flags(record, cut);
	return used_of(record) - start;
}

#endif
