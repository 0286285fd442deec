//! Facade `UserManager`, version 3: parameters and results.
//!
//! - `AddUser`: AddUsers -> AddUserResults
//! - `DisableUser`: Entities -> ErrorResults
//! - `EnableUser`: Entities -> ErrorResults
//! - `ModelUserInfo`: Entities -> ModelUserInfoResults
//! - `RemoveUser`: Entities -> ErrorResults
//! - `ResetPassword`: Entities -> AddUserResults
//! - `SetPassword`: EntityPasswords -> ErrorResults
//! - `UserInfo`: UserInfoRequest -> UserInfoResults

use crate::error::Error;
pub use crate::shared::{Entities, Entity, ErrorResult, ErrorResults, ModelUserInfo};
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddUser {
    #[serde(rename = "display-name")]
    pub display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    pub username: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddUserResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "secret-key", skip_serializing_if = "String::is_empty")]
    pub secret_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddUserResults {
    pub results: Vec<AddUserResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddUsers {
    pub users: Vec<AddUser>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityPassword {
    pub password: String,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityPasswords {
    pub changes: Vec<EntityPassword>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUserInfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ModelUserInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUserInfoResults {
    pub results: Vec<ModelUserInfoResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    pub access: String,
    #[serde(rename = "created-by")]
    pub created_by: String,
    #[serde(rename = "date-created")]
    pub date_created: Time,
    pub disabled: bool,
    #[serde(rename = "display-name")]
    pub display_name: String,
    #[serde(rename = "last-connection", skip_serializing_if = "Option::is_none")]
    pub last_connection: Option<Time>,
    pub username: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfoRequest {
    pub entities: Vec<Entity>,
    #[serde(rename = "include-disabled")]
    pub include_disabled: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<UserInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfoResults {
    pub results: Vec<UserInfoResult>,
}
