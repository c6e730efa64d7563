/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls by what they do, whichever of x86's three tables they were called through: a sensor
 * that knows only the native numbers is blind to a 32-bit program.
 */
#ifndef BEEWOLF_SYSCALL_H
#define BEEWOLF_SYSCALL_H

#include "compat.h"

enum call {
	CALL_NONE,
	CALL_OPEN,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_CREAT,
	CALL_CONNECT,
	CALL_ACCEPT,
	CALL_BIND,
	CALL_LISTEN,
	CALL_SOCKETCALL,
};

/* Numbers: arch/x86/entry/syscalls/syscall_64.tbl; the x32 ones of these calls are the same. */
static __always_inline enum call native_call(__u32 number)
{
	switch (number) {
	case 2:
		return CALL_OPEN;
	case 42:
		return CALL_CONNECT;
	case 43:
	case 288:
		return CALL_ACCEPT;
	case 49:
		return CALL_BIND;
	case 50:
		return CALL_LISTEN;
	case 85:
		return CALL_CREAT;
	case 257:
		return CALL_OPENAT;
	case 437:
		return CALL_OPENAT2;
	default:
		return CALL_NONE;
	}
}

/* Numbers: arch/x86/entry/syscalls/syscall_32.tbl. */
static __always_inline enum call compat_call(__u32 number)
{
	switch (number) {
	case 5:
		return CALL_OPEN;
	case 8:
		return CALL_CREAT;
	case 102:
		return CALL_SOCKETCALL;
	case 295:
		return CALL_OPENAT;
	case 361:
		return CALL_BIND;
	case 362:
		return CALL_CONNECT;
	case 363:
		return CALL_LISTEN;
	case 364:
		return CALL_ACCEPT;
	case 437:
		return CALL_OPENAT2;
	default:
		return CALL_NONE;
	}
}

/* Sub-calls of socketcall(2): linux/net.h. */
static __always_inline enum call socketcall_call(__u32 number)
{
	switch (number) {
	case 2:
		return CALL_BIND;
	case 3:
		return CALL_CONNECT;
	case 4:
		return CALL_LISTEN;
	case 5:
	case 18:
		return CALL_ACCEPT;
	default:
		return CALL_NONE;
	}
}

#endif
