//! Commands of the original that this release does not have, aliases among them.
//!
//! A name leaves this list in the commit that builds it; the test beside the table of commands insists.

/// Recognised, and refused with the reason.
pub const NOT_BUILT: &[&str] = &[
    "actions", "add-cloud", "add-credential", "add-k8s", "add-secret", "add-secret-backend", "add-space",
    "add-storage", "add-unit", "add-user", "agree", "agreements", "attach-resource", "attach-storage",
    "autoload-credentials", "bind", "cancel-task", "change-user-password", "charm-resources", "config",
    "constraints", "consume", "controller-config", "create-backup", "create-storage-pool", "credentials",
    "dashboard", "debug-code", "debug-hook", "debug-hooks", "default-credential", "default-region", "deploy",
    "detach-storage", "diff-bundle", "disable-command", "disable-user", "disabled-commands", "documentation",
    "download", "download-backup", "enable-command", "enable-destroy-controller", "enable-ha", "enable-user",
    "export-bundle", "expose", "find", "find-offers", "firewall-rules", "grant", "grant-cloud", "grant-secret",
    "gui", "help-action-commands", "help-hook-commands", "import-filesystem", "import-ssh-key", "info",
    "integrate", "list-actions", "list-agreements", "list-charm-resources", "list-credentials",
    "list-disabled-commands", "list-firewall-rules", "list-offers", "list-payloads", "list-resources",
    "list-secret-backends", "list-secrets", "list-spaces", "list-storage", "list-storage-pools", "list-subnets",
    "login", "logout", "migrate", "model-default", "model-defaults", "model-secret-backend", "move-to-space",
    "offer", "offers", "refresh", "register", "relate", "reload-spaces", "remove-application",
    "remove-cloud", "remove-credential", "remove-k8s", "remove-offer", "remove-relation", "remove-saas",
    "remove-secret", "remove-secret-backend", "remove-space", "remove-storage", "remove-storage-pool",
    "remove-unit", "remove-user", "rename-space", "resolve", "resolved", "resources", "resume-relation",
    "retry-provisioning", "revoke", "revoke-cloud", "revoke-secret", "run", "scale-application",
    "secret-backends", "secrets", "set-application-base", "set-constraints", "set-credential",
    "set-default-credentials", "set-default-region", "set-firewall-rule", "show-action", "show-application",
    "show-credential", "show-credentials", "show-offer", "show-secret", "show-secret-backend", "show-space",
    "show-status-log", "show-storage", "show-unit", "spaces", "storage", "storage-pools", "subnets",
    "suspend-relation", "sync-agent-binary", "trust", "unexpose", "update-cloud", "update-credential",
    "update-credentials", "update-k8s", "update-public-clouds", "update-secret", "update-secret-backend",
    "update-storage-pool", "upgrade-controller", "upgrade-machine", "upgrade-model", "wait-for",
];
