//! The seccomp filters: which system calls the engine may make.
//!
//! Three filters, of whose answers the kernel takes the strictest: an allow-list that refuses
//! everything else with EPERM, a list that ends the process, and `clone3` answered with ENOSYS, since
//! its flags lie in memory where no filter sees them (the C library then falls back to `clone`).

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::SeccompAction::{Allow, Errno, KillProcess};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

use super::{ConfineError, Network};

/// Calls allowed whatever their arguments; what paths they may name is Landlock's.
const ALLOWED: &[c_long] = &[
    // On sockets that listened before: `listen` itself is refused.
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_capget,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_connect,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_rm_watch,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mkdirat,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd4,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime,
    libc::SYS_timerfd_settime,
    libc::SYS_uname,
    libc::SYS_unlinkat,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Older names that x86-64 alone still has and its C library still uses.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_dup2,
    libc::SYS_epoll_wait,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_open,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// Calls that no part of the engine makes, and that an intruder in it would: the process ends.
const FATAL: &[c_long] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_memfd_create,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// The `ioctl` requests of the standard library: is this a terminal, how wide is it, and what
/// `set_nonblocking` and close-on-exec do.
const IOCTLS: [u64; 5] = [libc::TCGETS, libc::TIOCGWINSZ, libc::FIONBIO, libc::FIONREAD, libc::FIOCLEX];

/// Installs the filters on all threads.
pub(super) fn filter(network: Network) -> Result<(), ConfineError> {
    let everything = |calls: &[c_long]| calls.iter().map(|&call| (call, Vec::new())).collect();
    // The allow-list comes last: it refuses the calls that install filters.
    for program in [
        compile(everything(FATAL), Allow, KillProcess)?,
        compile(everything(&[libc::SYS_clone3]), Allow, Errno(number(libc::ENOSYS)))?,
        compile(allowed(network)?, Errno(number(libc::EPERM)), Allow)?,
    ] {
        seccompiler::apply_filter_all_threads(&program)?;
    }
    Ok(())
}

/// By system call number, the argument patterns of which one must match; none means any argument.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// The allow-list with its conditions on arguments.
fn allowed(network: Network) -> Result<Rules, BackendError> {
    let mut rules: Rules = ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call, Vec::new())).collect();

    // No memory is ever made executable.
    let executable = bits(libc::PROT_EXEC);
    let not_executable = || one(SeccompCondition::new(2, Dword, MaskedEq(executable), 0)?);
    rules.insert(libc::SYS_mmap, vec![not_executable()?]);
    rules.insert(libc::SYS_mprotect, vec![not_executable()?]);

    // Threads, but no processes and no namespaces.
    let namespaces = libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWUTS;
    let thread = bits(libc::CLONE_THREAD);
    let only_thread = SeccompCondition::new(0, Qword, MaskedEq(thread | bits(namespaces)), thread)?;
    rules.insert(libc::SYS_clone, vec![one(only_thread)?]);

    // A thread's name, which `std` sets.
    rules.insert(libc::SYS_prctl, vec![equal(0, bits(libc::PR_SET_NAME))?, equal(0, bits(libc::PR_GET_NAME))?]);
    // A thread may put itself behind the others, and no process but this one.
    for call in [libc::SYS_getpriority, libc::SYS_setpriority] {
        let itself = [
            SeccompCondition::new(0, Dword, Eq, bits(libc::PRIO_PROCESS.cast_signed()))?,
            SeccompCondition::new(1, Dword, Eq, 0)?,
        ];
        rules.insert(call, vec![SeccompRule::new(itself.to_vec())?]);
    }
    // Signals to ourselves only: that is how `abort` ends a process.
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![equal(0, own)?]);
    // Our own limits, read only.
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![SeccompCondition::new(0, Dword, Eq, 0)?, SeccompCondition::new(2, Qword, Eq, 0)?])?],
    );
    rules.insert(libc::SYS_ioctl, IOCTLS.iter().map(|&request| equal(1, request)).collect::<Result<_, _>>()?);

    let families: &[i32] = match network {
        Network::Connect => &[libc::AF_INET, libc::AF_INET6, libc::AF_UNIX],
        Network::LocalOnly => &[libc::AF_UNIX],
    };
    let mut sockets = Vec::new();
    for &family in families {
        for kind in [libc::SOCK_DGRAM, libc::SOCK_STREAM] {
            sockets.push(SeccompRule::new(vec![
                SeccompCondition::new(0, Dword, Eq, bits(family))?,
                SeccompCondition::new(1, Dword, MaskedEq(!bits(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)), bits(kind))?,
            ])?);
        }
    }
    rules.insert(libc::SYS_socket, sockets);
    rules.insert(libc::SYS_socketpair, vec![equal(0, bits(libc::AF_UNIX))?]);
    Ok(rules)
}

/// A rule of one condition.
fn one(condition: SeccompCondition) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition])
}

/// A rule that an argument's low half has this value: the kernel looks at no more of it.
fn equal(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    one(SeccompCondition::new(argument, Dword, Eq, value)?)
}

/// A C constant as the filter compares it.
fn bits(constant: i32) -> u64 {
    u64::from(constant.cast_unsigned())
}

/// An error number as the filter returns it.
fn number(errno: i32) -> u32 {
    errno.cast_unsigned()
}

fn compile(rules: Rules, otherwise: SeccompAction, on_match: SeccompAction) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, on_match, TargetArch::try_from(std::env::consts::ARCH)?)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_allowed_and_fatal() {
        for network in [Network::Connect, Network::LocalOnly] {
            let rules = allowed(network).unwrap();
            let both: Vec<_> = FATAL.iter().filter(|call| rules.contains_key(call)).collect();
            assert!(both.is_empty(), "{both:?}");
        }
    }
}
