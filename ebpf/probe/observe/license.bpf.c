/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel asks every object for its licence; this one gives the object of the folder its. */
#include "kernel.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
