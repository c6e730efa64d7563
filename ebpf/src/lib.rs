//! Beewolf's eBPF probes.
