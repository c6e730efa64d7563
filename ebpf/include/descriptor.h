/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a descriptor's number to the file and the socket behind it. */
#ifndef BEEWOLF_DESCRIPTOR_H
#define BEEWOLF_DESCRIPTOR_H

#include "kernel.h"

/* The file behind a descriptor of a task, or NULL. */
static __always_inline struct file *file_of(struct task_struct *task, long number)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (number < 0 || (unsigned long)number >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + number);
	return file;
}

/* The socket of an open file, or NULL. */
static __always_inline struct sock *sock_of_file(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

#endif
