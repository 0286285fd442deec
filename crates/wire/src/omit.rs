//! When a field is left out: the zero values of Go's `omitempty`.

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
pub fn is_zero(n: &i64) -> bool {
    *n == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
pub fn is_zero_f(n: &f64) -> bool {
    *n == 0.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
pub fn is_false(b: &bool) -> bool {
    !*b
}
