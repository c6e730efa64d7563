/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file is opened.
 *
 * Best hook: fexit/do_filp_open. It has all there is in one place: the kernel's own copy of the
 * path that was asked for, the flags, and the file that came of it or the error. Every open by name
 * goes through it: open, openat, openat2, creat, io_uring (in the submitting task or a worker of
 * its process), and the kernel's own open of an executable. Files opened by handle do not.
 *
 *   struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)
 *
 * Without trampolines: sys_exit, see sys_exit.bpf.c. There the path that was asked for is read from
 * the caller's memory and the file is looked up by its number, both of which another thread can
 * change in between.
 */
#include "path.h"

/* What is known of an open; `file` is NULL and `error` negative if it failed. */
struct opened {
	struct file *file;
	const char *requested;
	int error;
	__u32 open_flags;
	/* Whether `requested` is the caller's memory. */
	bool user;
	/* WIRE_RACY, or 0. */
	__u32 flags;
};

/* Fills a record of one size. Returns whether it should be tried again with a larger one. */
static __always_inline bool open_record(const struct opened *opened, struct task_struct *task, __u32 size)
{
	struct file *file = opened->file;
	struct wire_file_open *fixed;
	struct record record = {};
	struct inode *inode;

	if (reserve(&record, WIRE_FILE_OPEN, size))
		return 0;
	fixed = (struct wire_file_open *)(record.memory + sizeof(struct wire_header));
	__builtin_memset(fixed, 0, sizeof(*fixed));
	set_used(&record, sizeof(struct wire_header) + sizeof(*fixed));
	add_flags(&record, opened->flags);
	fill_task(&record, task);
	fixed->open_flags = opened->open_flags;
	fixed->error = opened->error;
	if (file) {
		inode = BPF_CORE_READ(file, f_inode);
		fixed->inode = BPF_CORE_READ(inode, i_ino);
		fixed->mode = BPF_CORE_READ(inode, i_mode);
		fixed->uid = BPF_CORE_READ(inode, i_uid.val);
		fixed->gid = BPF_CORE_READ(inode, i_gid.val);
		fixed->device = BPF_CORE_READ(inode, i_sb, s_dev);
		if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
			add_flags(&record, WIRE_CREATED);
		fixed->path_len = write_path(&record, task, &file->f_path, WIRE_CUT_PATH);
	}
	fixed->requested_len = write_text(&record, opened->requested, opened->user, WIRE_CUT_REQUESTED);
	if (size < WIRE_SIZE_LARGE && header_of(&record)->flags & (WIRE_CUT_PATH | WIRE_CUT_REQUESTED)) {
		discard(&record);
		return 1;
	}
	submit(&record);
	return 0;
}

static __always_inline int file_open(const struct opened *opened, struct task_struct *task)
{
	if (open_record(opened, task, WIRE_SIZE_SMALL))
		open_record(opened, task, WIRE_SIZE_LARGE);
	return 0;
}

SEC("fexit/do_filp_open")
int BPF_PROG(file_open_do_filp_open, int dfd, struct filename *pathname, struct open_flags *op, struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct opened opened = {};
	long error = (long)file;

	if (!task_in_scope(task))
		return 0;
	opened.requested = BPF_CORE_READ(pathname, name);
	opened.open_flags = BPF_CORE_READ(op, open_flag);
	if (error < 0 && error >= -4095)
		opened.error = error;
	else
		opened.file = file;
	return file_open(&opened, task);
}
