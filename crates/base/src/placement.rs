//! Where a machine is to be put: `lxd:0`, `zone=a`, a machine id (`wire/protocol.md` 5.7).

use crate::id::MachineId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Scope and directive. Scope `#` names a machine, `lxd` and `kvm` a container, a model's UUID a provider's directive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    pub scope: String,
    pub directive: String,
}

/// Text that is no placement by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    #[error("placement scope missing")]
    ScopeMissing,
    #[error("invalid value {value:?} for {scope:?} scope: expected machine-id")]
    NotMachine { value: String, scope: String },
}

impl Placement {
    /// The scope that stands for "an existing machine".
    pub const MACHINE: &'static str = "#";

    /// Reads one placement as typed. Text without a scope that is no machine and no container type gives
    /// `ScopeMissing`; the command line then takes it as the provider's own.
    pub fn parse(text: &str) -> Result<Option<Placement>, PlacementError> {
        if text.is_empty() {
            return Ok(None);
        }
        let is_container = |scope: &str| scope == "lxd" || scope == "kvm";
        let (scope, directive) = match text.split_once(':') {
            Some(("", _)) => return Err(PlacementError::ScopeMissing),
            Some((scope, directive)) => (scope, directive),
            None if text.parse::<MachineId>().is_ok() => (Placement::MACHINE, text),
            None if is_container(text) => (text, ""),
            None => return Err(PlacementError::ScopeMissing),
        };
        let wants_machine = scope == Placement::MACHINE || (is_container(scope) && text.contains(':'));
        if wants_machine && directive.parse::<MachineId>().is_err() {
            return Err(PlacementError::NotMachine { value: directive.to_owned(), scope: scope.to_owned() });
        }
        Ok(Some(Placement { scope: scope.to_owned(), directive: directive.to_owned() }))
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `lxd:` would want a machine behind it.
        match (self.scope.as_str(), self.directive.as_str()) {
            (kind @ ("lxd" | "kvm"), "") => f.write_str(kind),
            (scope, directive) => write!(f, "{scope}:{directive}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements() {
        let check = |text: &str, expected: Result<Option<(&str, &str)>, &str>| {
            let got = Placement::parse(text).map(|p| p.map(|p| (p.scope, p.directive))).map_err(|e| e.to_string());
            let expected = expected.map(|p| p.map(|(s, d)| (s.to_owned(), d.to_owned()))).map_err(str::to_owned);
            assert_eq!(got, expected, "{text}");
        };
        check("", Ok(None));
        check("0", Ok(Some(("#", "0"))));
        check("lxd", Ok(Some(("lxd", ""))));
        check("lxd:0", Ok(Some(("lxd", "0"))));
        check("ssh:u@h", Ok(Some(("ssh", "u@h"))));
        check("zone=a", Err("placement scope missing"));
        check(":0", Err("placement scope missing"));
        check("lxd:x", Err("invalid value \"x\" for \"lxd\" scope: expected machine-id"));
    }
}
