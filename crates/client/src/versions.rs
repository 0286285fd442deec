//! Which version of a facade is called: the highest that both ends know, 0 when there is none
//! (`wire/protocol.md` 2.2, the column of the 3.6 command in 3.10).

use std::collections::BTreeMap;

/// What this client can call.
const KNOWN: &[(&str, &[i64])] = &[
    ("Action", &[7]),
    ("Admin", &[3]),
    ("AllModelWatcher", &[4]),
    ("AllWatcher", &[3]),
    ("Annotations", &[2]),
    ("Application", &[15, 16, 17, 18, 19, 20, 21, 22]),
    ("ApplicationOffers", &[4, 5]),
    // Grigri's own.
    ("Audit", &[1]),
    ("Backups", &[3]),
    ("Block", &[2]),
    ("Bundle", &[6]),
    ("Charms", &[5, 6, 7]),
    ("Client", &[6, 7, 8]),
    ("Cloud", &[7]),
    ("Controller", &[11, 12]),
    ("CredentialManager", &[1]),
    // Grigri's own.
    ("Diagnosis", &[1]),
    ("HighAvailability", &[2]),
    ("ImageMetadataManager", &[1]),
    ("KeyManager", &[1]),
    // Grigri's own.
    ("Leaks", &[1]),
    ("MachineManager", &[9, 10]),
    // Grigri's own.
    ("MachineUpgrade", &[1]),
    ("ModelConfig", &[3]),
    ("ModelGeneration", &[4]),
    ("ModelManager", &[9, 10]),
    ("ModelSummaryWatcher", &[1]),
    ("ModelUpgrader", &[1]),
    ("NotifyWatcher", &[1]),
    ("Payloads", &[1]),
    ("Pinger", &[1]),
    ("Resources", &[3]),
    ("SSHClient", &[4]),
    ("SecretBackends", &[1]),
    ("Secrets", &[1, 2]),
    ("Spaces", &[6]),
    ("Storage", &[6, 7]),
    ("StringsWatcher", &[1]),
    ("Subnets", &[5]),
    // Grigri's own.
    ("TaskOutput", &[1]),
    ("UserManager", &[3]),
];

/// The best version of `facade` among those that the server offers.
pub fn best(facade: &str, offered: &BTreeMap<String, Vec<i64>>) -> i64 {
    let known = KNOWN.iter().find(|(name, _)| *name == facade).map_or(&[][..], |(_, versions)| versions);
    let offered = offered.get(facade).map_or(&[][..], Vec::as_slice);
    known.iter().copied().filter(|version| offered.contains(version)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_both() {
        let offered = BTreeMap::from([("MachineManager".to_owned(), vec![9, 10, 11]), ("Cloud".to_owned(), vec![8])]);
        assert_eq!(best("MachineManager", &offered), 10);
        assert_eq!(best("Cloud", &offered), 0);
        assert_eq!(best("Nope", &offered), 0);
    }
}
