//! Error codes, exact (`wire/protocol.md` 2.4).

pub const NOT_FOUND: &str = "not found";
pub const USER_NOT_FOUND: &str = "user not found";
pub const MODEL_NOT_FOUND: &str = "model not found";
pub const UNAUTHORIZED: &str = "unauthorized access";
pub const NO_CREDENTIALS: &str = "no credentials provided";
pub const TRY_AGAIN: &str = "try again";
pub const NOT_IMPLEMENTED: &str = "not implemented";
pub const NOT_SUPPORTED: &str = "not supported";
pub const ALREADY_EXISTS: &str = "already exists";
pub const BLOCKED: &str = "operation is blocked";
pub const HAS_HOSTED_MODELS: &str = "controller has hosted models";
pub const UPGRADE_IN_PROGRESS: &str = "upgrade in progress";
pub const REDIRECT: &str = "redirection required";
pub const DISCHARGE_REQUIRED: &str = "macaroon discharge required";
pub const ACCESS_REQUIRED: &str = "access required";
pub const NOT_PROVISIONED: &str = "not provisioned";
pub const HAS_CONTAINERS: &str = "machine is hosting containers";
pub const MODEL_NOT_EMPTY: &str = "model not empty";
pub const INCOMPATIBLE_CLOUDS: &str = "incompatible clouds";
pub const STOPPED: &str = "stopped";
pub const NOT_VALID: &str = "not valid";
pub const BAD_REQUEST: &str = "bad request";
pub const METHOD_NOT_ALLOWED: &str = "method not allowed";
pub const FORBIDDEN: &str = "forbidden";
