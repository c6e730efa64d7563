//! The container a cgroup path belongs to.
//!
//! Runtimes put each container into a cgroup whose name carries its id. [`FORMS`] lists the names
//! they use; a new runtime is a new row with its example. The deepest match counts: in a container
//! inside a container the inner one is the process's own.

use crate::event::value::Bytes;

/// How a path segment shows a container.
struct Form {
    /// Which software names cgroups so; for people who read the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the row; read by the tests"))]
    runtime: &'static str,
    /// The segment before, if the form needs one.
    below: Below,
    /// What stands before the id in the segment.
    prefix: &'static str,
    /// What stands after it.
    suffix: &'static str,
    /// What an id looks like.
    id: Id,
    /// A path of this form, and the id in it.
    #[cfg_attr(not(test), expect(dead_code, reason = "documents the row; read by the tests"))]
    example: (&'static str, &'static str),
}

/// Where a form's segment stands.
#[derive(Clone, Copy)]
enum Below {
    /// Anywhere.
    Any,
    /// Directly below a segment of this name.
    Name(&'static str),
    /// Directly below a segment of this name, which stands at the root.
    Root(&'static str),
}

/// The shape of an id.
#[derive(Clone, Copy)]
enum Id {
    /// A UUID.
    Uuid,
    /// 64 hexadecimal digits.
    Hex64,
    /// 32 hexadecimal digits, a dash, digits.
    Fargate,
    /// A name a person chose.
    Name,
    /// 25 lower-case letters and digits.
    Short,
    /// A name with systemd's `\xNN` escapes.
    Unit,
}

macro_rules! hex {
    () => {
        "3f1c2a9be07d4c5586aa0b1c2d3e4f506172839405a6b7c8d9eaf0b1c2d3e4f5"
    };
}

/// The names runtimes use, tried in this order on each segment from the deepest up.
const FORMS: &[Form] = &[
    Form {
        runtime: "Docker, containerd (Kubernetes), CRI-O, podman, nerdctl with the systemd cgroup driver",
        below: Below::Any,
        prefix: "*-",
        suffix: ".scope",
        id: Id::Hex64,
        example: (concat!("/system.slice/docker-", hex!(), ".scope"), hex!()),
    },
    Form {
        runtime: "CRI-O, podman with the cgroupfs driver",
        below: Below::Any,
        prefix: "*-",
        suffix: "",
        id: Id::Hex64,
        example: (concat!("/libpod_parent/libpod-", hex!()), hex!()),
    },
    Form {
        runtime: "runc when told a systemd path but driven through cgroupfs: slice:prefix:id",
        below: Below::Any,
        prefix: "*:",
        suffix: "",
        id: Id::Hex64,
        example: (concat!("/system.slice:docker:", hex!()), hex!()),
    },
    Form {
        runtime: "Docker, Kubernetes, containerd, ECS with the cgroupfs driver",
        below: Below::Any,
        prefix: "",
        suffix: "",
        id: Id::Hex64,
        example: (concat!("/kubepods/besteffort/pod4d1f0b0e-7c5e-4b0e-9d5c-0a1b2c3d4e5f/", hex!()), hex!()),
    },
    Form {
        runtime: "ECS on Fargate",
        below: Below::Any,
        prefix: "",
        suffix: "",
        id: Id::Fargate,
        example: (
            "/ecs/0f1e2d3c4b5a69788796a5b4c3d2e1f0/0f1e2d3c4b5a69788796a5b4c3d2e1f0-2531612879",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0-2531612879",
        ),
    },
    Form {
        runtime: "BuildKit",
        below: Below::Name("buildkit"),
        prefix: "",
        suffix: "",
        id: Id::Short,
        example: ("/docker/buildkit/k3y9w0s1d2f3g4h5j6k7l8z9x", "k3y9w0s1d2f3g4h5j6k7l8z9x"),
    },
    Form {
        runtime: "Cloud Foundry",
        below: Below::Name("garden"),
        prefix: "",
        suffix: "",
        id: Id::Uuid,
        example: ("/garden/8e4f0b0e-7c5e-4b0e-9d5c-0a1b2c3d4e5f", "8e4f0b0e-7c5e-4b0e-9d5c-0a1b2c3d4e5f"),
    },
    Form {
        runtime: "containerd, namespace default (ctr)",
        below: Below::Root("default"),
        prefix: "",
        suffix: "",
        id: Id::Name,
        example: ("/default/web-1", "web-1"),
    },
    Form {
        runtime: "containerd, namespace k8s.io",
        below: Below::Root("k8s.io"),
        prefix: "",
        suffix: "",
        id: Id::Name,
        example: ("/k8s.io/probe", "probe"),
    },
    Form {
        runtime: "LXC, LXD, Incus",
        below: Below::Any,
        prefix: "lxc.payload.",
        suffix: "",
        id: Id::Name,
        example: ("/lxc.payload.web/init.scope", "web"),
    },
    Form {
        runtime: "LXC before 4.0",
        below: Below::Root("lxc"),
        prefix: "",
        suffix: "",
        id: Id::Name,
        example: ("/lxc/web/system.slice/cron.service", "web"),
    },
    Form {
        runtime: "LXC before 4.0.4",
        below: Below::Root("lxc.payload"),
        prefix: "",
        suffix: "",
        id: Id::Name,
        example: ("/lxc.payload/web", "web"),
    },
    Form {
        runtime: "systemd-nspawn as a service",
        below: Below::Any,
        prefix: "systemd-nspawn@",
        suffix: ".service",
        id: Id::Unit,
        example: (r"/machine.slice/systemd-nspawn@my\x2dbox.service/payload/init.scope", "my-box"),
    },
    Form {
        runtime: "libvirt LXC: machine-lxc-<number>-<name>",
        below: Below::Name("machine.slice"),
        prefix: r"machine-lxc\x2d",
        suffix: ".scope",
        id: Id::Unit,
        example: (r"/machine.slice/machine-lxc\x2d7\x2dbox.scope", "7-box"),
    },
    Form {
        runtime: "systemd-nspawn started by hand",
        below: Below::Name("machine.slice"),
        prefix: "machine-",
        suffix: ".scope",
        id: Id::Unit,
        example: (r"/machine.slice/machine-my\x2dbox.scope/payload", "my-box"),
    },
];

/// Prefixes of cgroups that stand beside a container: its monitor, its virtual machine.
const NOT_CONTAINERS: &[&[u8]] = &[b"libpod-conmon-", b"crio-conmon-", b"machine-qemu", b"lxc.monitor"];

/// The longest id taken; a longer name is no container's.
const MAX_ID: usize = 256;

/// The id of the container whose processes have this cgroup path; `None` outside containers.
///
/// ```
/// use beewolf::enrich::container_id;
/// assert_eq!(container_id(b"/lxc.payload.web/init.scope").as_deref(), Some(&b"web"[..]));
/// assert_eq!(container_id(b"/system.slice/cron.service"), None);
/// ```
#[must_use]
pub fn container_id(path: &[u8]) -> Option<Bytes> {
    let mut rest = path;
    loop {
        let cut = rest.iter().rposition(|byte| *byte == b'/');
        let (above, segment) = match cut {
            Some(cut) => (rest.get(..cut).unwrap_or_default(), rest.get(cut + 1..).unwrap_or_default()),
            None => (&[][..], rest),
        };
        if let Some(id) = FORMS.iter().find_map(|form| form.id_in(above, segment)) {
            return Some(id);
        }
        cut?;
        rest = above;
    }
}

impl Form {
    fn id_in(&self, above: &[u8], segment: &[u8]) -> Option<Bytes> {
        let stands_right = match self.below {
            Below::Any => true,
            Below::Name(name) => above.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes()),
            Below::Root(name) => above.strip_prefix(b"/") == Some(name.as_bytes()),
        };
        if !stands_right || NOT_CONTAINERS.iter().any(|prefix| segment.starts_with(prefix)) {
            return None;
        }
        let body = segment.strip_suffix(self.suffix.as_bytes())?;
        let id = match self.prefix.strip_prefix('*') {
            // Any prefix that ends so: ids have no such byte.
            Some(end) => body.get(body.iter().rposition(|byte| end.as_bytes() == [*byte])? + 1..)?,
            None => body.strip_prefix(self.prefix.as_bytes())?,
        };
        self.id.read(id)
    }
}

impl Id {
    fn read(self, text: &[u8]) -> Option<Bytes> {
        let hex = |text: &[u8], length| text.len() == length && text.iter().all(|byte| is_hex(*byte));
        let fits = match self {
            Self::Uuid => {
                let parts = [8, 4, 4, 4, 12];
                text.split(|byte| *byte == b'-').count() == parts.len()
                    && text.split(|byte| *byte == b'-').zip(parts).all(|(part, length)| hex(part, length))
            }
            Self::Hex64 => hex(text, 64),
            Self::Fargate => {
                let (task, number) = (text.get(..32)?, text.get(32..)?.strip_prefix(b"-")?);
                hex(task, 32) && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
            }
            Self::Name => !text.is_empty() && text.len() <= MAX_ID,
            Self::Short => {
                text.len() == 25 && text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            }
            Self::Unit => return (!text.is_empty() && text.len() <= MAX_ID).then(|| unescaped(text)),
        };
        fits.then(|| text.into())
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

/// systemd writes a byte that may not stand in a unit's name as `\xNN`.
fn unescaped(text: &[u8]) -> Bytes {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escaped = rest
            .strip_prefix(br"\x")
            .and_then(|digits| digits.get(..2))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                plain.push(byte);
                rest = rest.get(4..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(container_id(path.as_bytes()).as_deref(), expected.map(str::as_bytes), "{path}");
    }

    #[test]
    fn every_form_finds_the_id_in_its_example() {
        for form in FORMS {
            let (path, id) = form.example;
            assert_eq!(container_id(path.as_bytes()).as_deref(), Some(id.as_bytes()), "{}: {path}", form.runtime);
        }
    }

    #[test]
    fn forms_met_on_real_hosts() {
        let id = hex!();
        for path in [
            format!("/docker/{id}"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{id}.scope"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container"),
            format!("/machine.slice/machine-libpod_pod_{id}.slice/libpod-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod4d1f.slice/cri-containerd-{id}.scope"),
            format!("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/crio-{id}.scope"),
            format!("/kubepods/burstable/pod4d1f/{id}"),
            format!("/kubepods-besteffort-pod1.slice:cri-containerd:{id}"),
            format!("/kubelet/kubepods/pod1/{id}/init.scope"),
            format!("/ecs/55091c13-b8cf-4801-b527-f4601742204d/{id}"),
            format!("/moby/{id}"),
        ] {
            check(&path, Some(id));
        }
        check("/lxc.payload.outer/lxc.payload.inner/x", Some("inner"));
        check(&format!("/docker/{id}/docker/{}", id.replace('3', "4")), Some(&id.replace('3', "4")));
    }

    #[test]
    fn what_is_no_container() {
        let id = hex!();
        for path in [
            "",
            "/",
            "//",
            "/init.scope",
            "/system.slice/ssh.service",
            "/user.slice/user-1000.slice/session-3.scope",
            "/lxc",
            "/lxc.monitor.web",
            r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt",
            "/system.slice/machine-x.scope",
            "/home/default/x",
            &format!("/machine.slice/libpod-conmon-{id}.scope"),
            &format!("/system.slice/docker-{}.scope", id.to_uppercase()),
            &format!("/docker/{id}0"),
            &format!("/system.slice/docker-{id}.mount"),
        ] {
            check(path, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_and_ids_are_bounded(path: Vec<u8>) {
            let id = container_id(&path);
            proptest::prop_assert!(id.is_none_or(|id| !id.is_empty() && id.len() <= MAX_ID));
        }

        #[test]
        fn no_path_panics(path in "(/?(lxc|default|machine.slice|buildkit|garden|machine-|systemd-nspawn@|\\\\x2|\\\\x2d|\\.scope|\\.service|[0-9a-f]{32}|-|:))*") {
            drop(container_id(path.as_bytes()));
        }
    }
}
