//! Types of clouds: how one shows who one is there, and which attributes such a credential has. The one table, for prompts, for checks and
//! for what is hidden. It reaches no cloud. The surprise: types on which no machines are made here have their rows too, since the command
//! line keeps the clouds of other controllers as well.

/// One attribute of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub name: &'static str,
    /// A secret: shown only to who asks for secrets, and not seen while typed.
    pub hidden: bool,
    pub optional: bool,
    /// May be given as the path of a file, which then is read.
    pub file: bool,
}

/// A way to show who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthType {
    pub name: &'static str,
    pub attributes: &'static [Attribute],
}

/// The type of the cloud that is the controller's own host.
pub const BUILTIN: &str = "builtin";

/// A type of clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloudType {
    pub name: &'static str,
    pub auth_types: &'static [AuthType],
    /// A cloud of it has an endpoint that its user must tell.
    pub wants_endpoint: bool,
}

const fn plain(name: &'static str) -> Attribute {
    Attribute { name, hidden: false, optional: false, file: false }
}

const fn optional(name: &'static str) -> Attribute {
    Attribute { optional: true, ..plain(name) }
}

const fn secret(name: &'static str) -> Attribute {
    Attribute { hidden: true, ..plain(name) }
}

const fn file(name: &'static str) -> Attribute {
    Attribute { file: true, ..plain(name) }
}

const EMPTY: AuthType = AuthType { name: "empty", attributes: &[] };
const LXD: &[AuthType] = &[
    AuthType {
        name: "certificate",
        attributes: &[file("client-cert"), Attribute { hidden: true, ..file("client-key") }, file("server-cert")],
    },
    AuthType { name: "interactive", attributes: &[secret("trust-token")] },
];

/// In the order in which they are offered.
pub const CLOUD_TYPES: &[CloudType] = &[
    CloudType { name: "lxd", auth_types: LXD, wants_endpoint: true },
    CloudType { name: "incus", auth_types: LXD, wants_endpoint: true },
    CloudType {
        name: "ec2",
        auth_types: &[
            AuthType { name: "access-key", attributes: &[plain("access-key"), secret("secret-key")] },
            AuthType { name: "instance-role", attributes: &[plain("instance-profile-name")] },
        ],
        wants_endpoint: false,
    },
    CloudType {
        name: "maas",
        auth_types: &[AuthType { name: "oauth1", attributes: &[secret("maas-oauth")] }],
        wants_endpoint: true,
    },
    CloudType { name: "manual", auth_types: &[EMPTY], wants_endpoint: true },
    CloudType {
        name: "openstack",
        auth_types: &[
            AuthType {
                name: "userpass",
                attributes: &[
                    plain("username"),
                    secret("password"),
                    optional("tenant-name"),
                    optional("tenant-id"),
                    optional("version"),
                    optional("domain-name"),
                    optional("project-domain-name"),
                    optional("user-domain-name"),
                ],
            },
            AuthType {
                name: "access-key",
                attributes: &[
                    plain("access-key"),
                    secret("secret-key"),
                    optional("tenant-name"),
                    optional("tenant-id"),
                    optional("version"),
                ],
            },
        ],
        wants_endpoint: true,
    },
    CloudType { name: BUILTIN, auth_types: &[EMPTY], wants_endpoint: false },
];

/// Every way that any of Juju's clouds knows.
pub const AUTH_TYPES: &[&str] = &[
    "access-key",
    "instance-role",
    "userpass",
    "oauth1",
    "oauth2",
    "jsonfile",
    "service-account",
    "service-principal-secret",
    "managed-identity",
    "clientcertificate",
    "httpsig",
    "certificate",
    "interactive",
    "empty",
];

impl CloudType {
    pub fn of(name: &str) -> Option<&'static CloudType> {
        CLOUD_TYPES.iter().find(|one| one.name == name)
    }

    pub fn auth_type(&self, name: &str) -> Option<&'static AuthType> {
        self.auth_types.iter().find(|one| one.name == name)
    }
}

/// Whether this attribute is a secret. What the table does not know might be one.
pub fn is_hidden(cloud_type: &str, auth_type: &str, attribute: &str) -> bool {
    let known = CloudType::of(cloud_type).and_then(|of| of.auth_type(auth_type));
    let known = known.and_then(|of| of.attributes.iter().find(|one| one.name == attribute));
    known.is_none_or(|attribute| attribute.hidden)
}

/// Whether credentials of this sort may be used with clouds of that type; anything that Juju knows, with types that are not in the table.
pub fn is_auth_type(cloud_type: &str, auth_type: &str) -> bool {
    CloudType::of(cloud_type).map_or(AUTH_TYPES.contains(&auth_type), |of| of.auth_type(auth_type).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_so_is_what_is_not_known() {
        for (cloud, auth, attribute, hidden) in [
            ("lxd", "certificate", "client-key", true),
            ("lxd", "certificate", "client-cert", false),
            ("incus", "interactive", "trust-token", true),
            ("ec2", "access-key", "access-key", false),
            ("ec2", "access-key", "secret-key", true),
            ("ec2", "access-key", "frob", true),
            ("ec2", "userpass", "username", true),
            ("mars", "access-key", "access-key", true),
        ] {
            assert_eq!(is_hidden(cloud, auth, attribute), hidden, "{cloud} {auth} {attribute}");
        }
    }

    #[test]
    fn every_auth_type_of_the_table_is_one_of_jujus() {
        for one in CLOUD_TYPES.iter().flat_map(|cloud| cloud.auth_types) {
            assert!(AUTH_TYPES.contains(&one.name), "{}", one.name);
        }
        assert!(
            is_auth_type("vsphere", "userpass") && !is_auth_type("vsphere", "frob") && !is_auth_type("lxd", "empty")
        );
    }
}
