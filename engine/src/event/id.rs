//! Ids that are the same wherever they are computed.

use sha2::{Digest, Sha256};

use super::{ProcessKey, value::Bytes};

/// Length of one clock tick of `/proc/PID/stat`, in nanoseconds (USER_HZ is 100 on every architecture we run on).
pub const TICK_NS: u64 = 10_000_000;

/// What the ids of one boot of one host are made of.
#[derive(Clone, Debug)]
pub struct Origin {
    prefix: Sha256,
}

impl Origin {
    /// From `/etc/machine-id` and `/proc/sys/kernel/random/boot_id`, both trimmed.
    #[must_use]
    pub fn new(machine_id: &str, boot_id: &str) -> Self {
        let mut prefix = Sha256::new();
        prefix.update(machine_id.trim().as_bytes());
        prefix.update([0]);
        prefix.update(boot_id.trim().as_bytes());
        prefix.update([0]);
        Self { prefix }
    }

    /// `process.entity_id`.
    #[must_use]
    pub fn entity(&self, key: ProcessKey) -> Bytes {
        let mut hash = self.prefix.clone();
        hash.update(key.pid.to_le_bytes());
        hash.update((key.start_boot_ns / TICK_NS).to_le_bytes());
        short(hash)
    }

    /// `process.exec_id`: the entity and how often the kernel has counted an exec of it.
    #[must_use]
    pub fn exec(&self, key: ProcessKey, self_exec_id: u64) -> Bytes {
        let mut hash = self.prefix.clone();
        hash.update(key.pid.to_le_bytes());
        hash.update((key.start_boot_ns / TICK_NS).to_le_bytes());
        hash.update(self_exec_id.to_le_bytes());
        short(hash)
    }
}

/// The first 16 bytes of a hash in base32 (26 characters, upper case, no padding).
fn short(hash: Sha256) -> Bytes {
    let digest = hash.finalize();
    let first: &[u8] = digest.get(..16).unwrap_or(&digest);
    data_encoding::BASE32_NOPAD.encode(first).into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_the_same_from_nanoseconds_and_from_ticks() {
        let origin = Origin::new("machine\n", "boot");
        let exact = ProcessKey { pid: 7, start_boot_ns: 123_456_789 };
        let coarse = ProcessKey { pid: 7, start_boot_ns: 120_000_000 };
        assert_eq!(origin.entity(exact), origin.entity(coarse));
        assert_ne!(origin.entity(exact), origin.entity(ProcessKey { pid: 8, ..exact }));
        assert_ne!(origin.exec(exact, 1), origin.exec(exact, 2));
        assert_eq!(origin.entity(exact).len(), 26);
    }
}
