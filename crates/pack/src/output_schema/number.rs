//! Numbers as mathematics has them: 1 and 1.0 are the same, and 0.3 is a multiple of 0.1.

use std::cmp::Ordering;

use serde_json::Number;

/// Powers of ten up to here fit 128 bits beside what is multiplied with them.
const MOST_SHIFT: i32 = 18;

/// Which one is larger.
pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => real(left).partial_cmp(&real(right)).unwrap_or(Ordering::Equal),
    }
}

/// Whether it has no fraction, however it is written.
pub(super) fn is_whole(number: &Number) -> bool {
    whole(number).is_some() || real(number).fract() == 0.0
}

/// Whether `number` is a whole multiple of `divisor`, which is more than 0. Both are taken as they are written, in decimal
/// digits: in binary ones, 0.3 would not be a multiple of 0.1.
pub(super) fn is_multiple(number: &Number, divisor: &Number) -> bool {
    let exact = || {
        let ((digits, exponent), (by, by_exponent)) = (decimal(number)?, decimal(divisor)?);
        let least = exponent.min(by_exponent);
        let digits = digits.checked_mul(ten_to(exponent - least)?)?;
        let by = by.checked_mul(ten_to(by_exponent - least)?)?;
        digits.checked_rem(by).map(|rest| rest == 0)
    };
    exact().unwrap_or_else(|| (real(number) / real(divisor)).fract() == 0.0)
}

fn real(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// Its value when it is whole and fits; above 2^53 every `f64` is whole, and exact.
fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    integer.or_else(|| {
        let real = real(number);
        (real.fract() == 0.0 && real.abs() < 1e38).then_some(real as i128)
    })
}

/// Digits and the power of ten that they are multiplied with.
fn decimal(number: &Number) -> Option<(i128, i32)> {
    let text = number.to_string();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let digits: i128 = format!("{before}{after}").parse().ok()?;
    let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
    Some((digits, exponent.checked_sub(i32::try_from(after.len()).ok()?)?))
}

fn ten_to(power: i32) -> Option<i128> {
    (0..=MOST_SHIFT).contains(&power).then(|| 10_i128.pow(power.unsigned_abs()))
}
