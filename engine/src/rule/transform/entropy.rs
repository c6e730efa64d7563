//! `entropy`: how random a text looks.

use super::{Output, Transform};
use crate::{
    event::value::{Type, Value},
    rule::typed::{Typed, Unit},
};

/// The transform.
pub(super) struct Entropy;

impl Transform for Entropy {
    fn name(&self) -> &'static str {
        "entropy"
    }
    fn doc(&self) -> &'static str {
        "Shannon entropy of the text's bytes in bits per byte, 0 to 8, rounded to three decimals. Words have 2 to 3, random letters and digits of twenty bytes about 4."
    }
    fn example(&self) -> &'static str {
        "entropy(file.name) > 4.5"
    }
    fn gives(&self) -> Typed {
        Typed { ty: Type::Integer, array: false, unit: Unit::Milli }
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let mut counts = [0_u32; 256];
        for byte in text {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add(1);
            }
        }
        let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX).max(1));
        let bits: f64 = counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| f64::from(*count) / total)
            .map(|share| -share * share.log2())
            .sum();
        Output::Seen(Value::Int(thousandths(bits)))
    }
}

/// A number from 0 to 8 in thousandths.
#[expect(clippy::cast_possible_truncation, reason = "the number is at most 8")]
fn thousandths(bits: f64) -> i64 {
    (bits * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::{check, check_refused};

    #[test]
    fn entropy_in_bits_per_byte() {
        let event = |name: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"name":"{name}"}}}}"#);
        check("entropy(process.name) = 0", &event("aaaa"), true);
        check("entropy(process.name) = 1", &event("abab"), true);
        check("entropy(process.name) = 1.585", &event("abc"), true);
        check("entropy(process.name) = 4", &event("0123456789abcdef"), true);
        check("entropy(process.name) > 2.321", &event("abcde"), true);
        check("entropy(process.name) > 2.322", &event("abcde"), false);
        check("entropy(process.name) = 0", &event(""), true);
        check_refused("entropy(process.name) > 4.12345", "`4.12345` is not a number with at most three decimals");
        check_refused(
            "entropy(process.name) > len(process.name)",
            "`entropy(process.name)` is a number with a fraction, `len(process.name)` a number of bytes",
        );
    }
}
