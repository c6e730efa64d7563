/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one way out: reserve a record of one of the sizes of wire.h in this CPU's ring, fill it in
 * place, submit. What finds no room is counted per ring and kind, with the first and last time.
 */
#ifndef BEEWOLF_EMIT_H
#define BEEWOLF_EMIT_H

#include "kernel.h"
#include "wire.h"
#include "compat.h"

/* Number of rings in use, at most WIRE_RINGS; CPUs share them by number. */
const volatile __u32 cfg_rings = 1;

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* Sizes are set before loading; rings that are not used stay at one page. */
struct ring ring_0 SEC(".maps"), ring_1 SEC(".maps"), ring_2 SEC(".maps"), ring_3 SEC(".maps");
struct ring ring_4 SEC(".maps"), ring_5 SEC(".maps"), ring_6 SEC(".maps"), ring_7 SEC(".maps");
struct ring ring_8 SEC(".maps"), ring_9 SEC(".maps"), ring_10 SEC(".maps"), ring_11 SEC(".maps");
struct ring ring_12 SEC(".maps"), ring_13 SEC(".maps"), ring_14 SEC(".maps"), ring_15 SEC(".maps");

/* Filled from user space with as many rings as cfg_rings says. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WIRE_RINGS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* Read by the engine through mmap: it has no right to call bpf(2). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WIRE_RINGS * WIRE_KINDS);
	__type(key, __u32);
	__type(value, struct wire_counter);
} counters SEC(".maps");

/* Memory being filled: a reserved record, or one in a map. `size` is a constant on every path. */
struct record {
	char *memory;
	__u32 size;
};

static __always_inline struct wire_header *header_of(struct record *record)
{
	return (struct wire_header *)record->memory;
}

/*
 * Bytes used so far, kept in the record's own header and always read back from there: a value from
 * memory is any number to the verifier, so that two ways to the same place look alike to it and are
 * followed once. Held in a register, each step of each loop would double what it has to look at.
 */
static __always_inline __u32 used_of(struct record *record)
{
	return *(volatile __u32 *)&header_of(record)->length;
}

static __always_inline void set_used(struct record *record, __u32 used)
{
	*(volatile __u32 *)&header_of(record)->length = used;
}

static __always_inline void add_flags(struct record *record, __u32 flags)
{
	volatile __u32 *place = &header_of(record)->flags;

	*place = *place | flags;
}

/* The counter of a kind in this CPU's ring; kind 0 is the ring itself. */
static __always_inline struct wire_counter *counter_of(__u32 cpu, __u32 kind)
{
	__u32 place = cpu % cfg_rings * WIRE_KINDS + kind;

	return bpf_map_lookup_elem(&counters, &place);
}

/*
 * Reserves at least `need` bytes (WIRE_SIZE_HUGE at most) and fills in kind, time and CPU.
 * Returns 0, or -1 if the ring is full or missing, which is counted.
 *
 * The time is taken when the record has its place in the ring: who reads the ring after a time T
 * then finds every record older than T, or one that is still being filled, whose end it can await.
 * Taken before, a program that is preempted in between would come late.
 */
static __always_inline int reserve(struct record *record, __u32 kind, __u64 need)
{
	__u64 time_ns;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 index = cpu % cfg_rings;
	void *ring = bpf_map_lookup_elem(&rings, &index);
	struct wire_counter *counter;
	struct wire_header *header;

	if (!ring)
		return -1;
	if (need <= WIRE_SIZE_TINY) {
		record->memory = bpf_ringbuf_reserve(ring, WIRE_SIZE_TINY, 0);
		record->size = WIRE_SIZE_TINY;
	} else if (need <= WIRE_SIZE_SMALL) {
		record->memory = bpf_ringbuf_reserve(ring, WIRE_SIZE_SMALL, 0);
		record->size = WIRE_SIZE_SMALL;
	} else if (need <= WIRE_SIZE_MEDIUM) {
		record->memory = bpf_ringbuf_reserve(ring, WIRE_SIZE_MEDIUM, 0);
		record->size = WIRE_SIZE_MEDIUM;
	} else if (need <= WIRE_SIZE_LARGE) {
		record->memory = bpf_ringbuf_reserve(ring, WIRE_SIZE_LARGE, 0);
		record->size = WIRE_SIZE_LARGE;
	} else {
		record->memory = bpf_ringbuf_reserve(ring, WIRE_SIZE_HUGE, 0);
		record->size = WIRE_SIZE_HUGE;
	}
	time_ns = bpf_ktime_get_boot_ns();
	if (!record->memory) {
		counter = counter_of(cpu, kind);
		if (!counter)
			return -1;
		__sync_fetch_and_add(&counter->lost, 1);
		if (!counter->first_lost_ns)
			counter->first_lost_ns = time_ns;
		counter->last_lost_ns = time_ns;
		return -1;
	}
	header = header_of(record);
	__builtin_memset(header, 0, sizeof(*header));
	header->kind = kind;
	header->time_ns = time_ns;
	header->cpu = cpu;
	return 0;
}

/* Gives the record its number and hands it over. */
static __always_inline void submit(struct record *record)
{
	struct wire_header *header = header_of(record);
	struct wire_counter *ring = counter_of(header->cpu, 0), *kind = counter_of(header->cpu, header->kind);

	if (ring)
		header->sequence = __sync_fetch_and_add(&ring->written, 1);
	if (kind)
		__sync_fetch_and_add(&kind->written, 1);
	bpf_ringbuf_submit(record->memory, 0);
}

/* Takes a record back that turned out too small. */
static __always_inline void discard(struct record *record)
{
	bpf_ringbuf_discard(record->memory, 0);
}

#endif
