//! What this host allows: asked before anything is loaded, and by `doctor`.

use std::path::Path;

use serde::Serialize;

/// Where the running kernel's type information is.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Facts about the host that decide what can be sensed.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// `uname -r`.
    pub kernel: String,
    /// The kernel has BTF.
    pub btf: bool,
    /// The process has the capabilities that loading needs.
    pub capabilities: bool,
    /// The process lives in the initial pid namespace, so that `/proc` shows the kernel's numbers.
    pub initial_pid_namespace: bool,
    /// Active security modules, in order; absent if securityfs is not mounted.
    pub security_modules: Option<Vec<String>>,
    /// Where cgroup version 2 is mounted.
    pub cgroup2: Option<String>,
}

/// Inode number of the initial pid namespace (PROC_PID_INIT_INO).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

impl Host {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        let text = |path: &str| {
            crate::store::read_capped(Path::new(path), 1 << 20)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let mounts = text("/proc/self/mounts").unwrap_or_default();
        Self {
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            btf: Path::new(BTF).exists(),
            capabilities: [caps::Capability::CAP_BPF, caps::Capability::CAP_PERFMON]
                .into_iter()
                .all(|capability| caps::has_cap(None, caps::CapSet::Effective, capability).unwrap_or(false))
                || caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_ADMIN).unwrap_or(false),
            initial_pid_namespace: std::fs::read_link("/proc/self/ns/pid")
                .is_ok_and(|link| link.as_os_str() == INITIAL_PID_NAMESPACE),
            security_modules: text("/sys/kernel/security/lsm")
                .map(|list| list.trim().split(',').map(str::to_owned).collect()),
            cgroup2: mounts.lines().find_map(|line| {
                let mut words = line.split(' ').skip(1);
                let (place, kind) = (words.next()?, words.next()?);
                (kind == "cgroup2").then(|| place.to_owned())
            }),
        }
    }

    /// Why nothing can be sensed here, in one sentence; `None` if it can.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.capabilities {
            Some("eBPF needs root (or CAP_BPF and CAP_PERFMON)")
        } else if !self.btf {
            Some("this kernel has no BTF (/sys/kernel/btf/vmlinux is missing; CONFIG_DEBUG_INFO_BTF)")
        } else {
            None
        }
    }

    /// What refusing through LSM would need here.
    #[must_use]
    pub fn refusing(&self) -> String {
        match &self.security_modules {
            None => "refusing: unknown (securityfs is not mounted at /sys/kernel/security)".to_owned(),
            Some(list) if list.iter().any(|name| name == "bpf") => {
                "refusing: not in this version (bpf is in the active LSM list)".to_owned()
            }
            Some(_) => "refusing: no (bpf is not in the active LSM list; boot with lsm=...,bpf)".to_owned(),
        }
    }
}
