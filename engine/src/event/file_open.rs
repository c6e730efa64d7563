//! A process opens a file.

use super::{
    Source,
    field::{Row, row},
    value::{Bytes, Numeric, WordSet, words},
};

words! {
    /// What an open asks for.
    Access {
        /// The file is made if it is missing (O_CREAT).
        Create = "create",
        /// Opened only as a place in the tree (O_PATH): neither read nor written.
        Path = "path",
        /// Read access.
        Read = "read",
        /// The file is emptied (O_TRUNC).
        Truncate = "truncate",
        /// Write access.
        Write = "write",
    }
}

words! {
    /// Kind of file, in ECS words and their like.
    FileType {
        /// Block device.
        Block = "block",
        /// Character device.
        Character = "character",
        /// Directory.
        Directory = "dir",
        /// Named pipe.
        Fifo = "fifo",
        /// Regular file.
        File = "file",
        /// Anything else.
        Other = "other",
        /// Socket.
        Socket = "socket",
        /// Symbolic link (opened with O_PATH and O_NOFOLLOW).
        Symlink = "symlink",
    }
}

/// A process opens a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileOpen {
    /// Path as resolved.
    pub path: Option<Bytes>,
    /// Last component of the path.
    pub name: Option<Bytes>,
    /// Text after the name's last dot.
    pub extension: Option<Bytes>,
    /// Path as asked for.
    pub requested_path: Option<Bytes>,
    /// The path asked for is absolute and is not what the kernel resolved.
    pub redirected: Option<bool>,
    /// What was asked for.
    pub access: WordSet<Access>,
    /// The open made the file.
    pub created: Option<bool>,
    /// The file does not lie below the process's root.
    pub outside_root: Option<bool>,
    /// Kind of file.
    pub ty: Option<FileType>,
    /// Inode number.
    pub inode: Option<Numeric>,
    /// Device number as the kernel has it (major << 20 | minor).
    pub device: Option<i64>,
    /// Permission bits in octal.
    pub mode: Option<Bytes>,
    /// Owner.
    pub uid: Option<Numeric>,
    /// Owning group.
    pub gid: Option<Numeric>,
}

/// Fields of a `file_open` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "file.path": FileOpen(path), "Absolute path as the kernel resolved it, links followed, as seen from the process's root. Absent when the open failed."),
    row!(Ecs "file.name": FileOpen(name), "Last component of the path, with its extension."),
    row!(Ecs "file.extension": FileOpen(extension), "Text after the last dot of the name, without the dot."),
    row!(Ours "file.requested_path": FileOpen(requested_path), "Path passed to the system call; may be relative and may contain links."),
    row!(Ours "file.redirected": FileOpen(redirected), "The path asked for is absolute and differs from the resolved one: a link, `..` or a double slash."),
    row!(Ours "file.access": FileOpen(access), "What the open asks for: any of read, write, create, truncate, path."),
    row!(Ours "file.newly_created": FileOpen(created), "The open made the file."),
    row!(Ours "file.outside_root": FileOpen(outside_root), "The file does not lie below the process's root: it was reached through a descriptor or through /proc, or is mounted nowhere. The path is then that from the top of its own tree of mounts."),
    row!(Ecs "file.type": FileOpen(ty), "Kind of file."),
    row!(Ecs "file.inode": FileOpen(inode), "Inode number."),
    row!(Ours "file.device_number": FileOpen(device), "Device number of the file system as the kernel has it: major shifted left by 20, plus minor."),
    row!(Ecs "file.mode": FileOpen(mode), "Permission bits, octal, four digits."),
    row!(Ecs "file.uid": FileOpen(uid), "Owner of the file."),
    row!(Ecs "file.gid": FileOpen(gid), "Owning group of the file."),
];

/// How a `file_open` event can be had, best first.
pub const SOURCES: &[Source] = &[
    Source {
        name: "trampoline",
        hooks: &["fexit/do_filp_open"],
        misses: "opens by file handle (open_by_handle_at)",
        racy: &[],
        absent: &[],
        outcome: true,
    },
    Source {
        name: "tracepoint",
        hooks: &["tp_btf/sys_exit"],
        misses: "opens through io_uring or by file handle; the kernel's own open of an executable",
        racy: &["file.requested_path", "file.path", "file.name", "file.extension", "file.outside_root", "file.access"],
        absent: &[],
        outcome: true,
    },
];
