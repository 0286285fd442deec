//! Facade `Spaces`, version 6: parameters and results.
//!
//! - `CreateSpaces`: CreateSpacesParams -> ErrorResults
//! - `ListSpaces`: - -> ListSpacesResults
//! - `MoveSubnets`: MoveSubnetsParams -> MoveSubnetsResults
//! - `ReloadSpaces`: - -> -
//! - `RemoveSpace`: RemoveSpaceParams -> RemoveSpaceResults
//! - `RenameSpace`: RenameSpacesParams -> ErrorResults
//! - `ShowSpace`: Entities -> ShowSpaceResults

use crate::error::Error;
use crate::omit::is_false;
pub use crate::shared::{Entities, Entity, ErrorResult, ErrorResults, Subnet};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateSpaceParams {
    pub cidrs: Vec<String>,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    pub public: bool,
    #[serde(rename = "space-tag")]
    pub space_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateSpacesParams {
    pub spaces: Vec<CreateSpaceParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListSpacesResults {
    pub results: Vec<Space>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveSubnetsParam {
    pub force: bool,
    #[serde(rename = "space-tag")]
    pub space_tag: String,
    pub subnets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveSubnetsParams {
    pub args: Vec<MoveSubnetsParam>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveSubnetsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "moved-subnets", skip_serializing_if = "Vec::is_empty")]
    pub moved_subnets: Vec<MovedSubnet>,
    #[serde(rename = "new-space")]
    pub new_space: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveSubnetsResults {
    pub results: Vec<MoveSubnetsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MovedSubnet {
    pub cidr: String,
    #[serde(rename = "old-space")]
    pub old_space: String,
    pub subnet: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveSpaceParam {
    #[serde(rename = "dry-run", skip_serializing_if = "is_false")]
    pub dry_run: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    pub space: Entity,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveSpaceParams {
    #[serde(rename = "space-param")]
    pub space_param: Vec<RemoveSpaceParam>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveSpaceResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Entity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Entity>,
    #[serde(rename = "controller-settings", skip_serializing_if = "Vec::is_empty")]
    pub controller_settings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveSpaceResults {
    pub results: Vec<RemoveSpaceResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RenameSpaceParams {
    #[serde(rename = "from-space-tag")]
    pub from_space_tag: String,
    #[serde(rename = "to-space-tag")]
    pub to_space_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RenameSpacesParams {
    pub changes: Vec<RenameSpaceParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShowSpaceResult {
    pub applications: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "machine-count")]
    pub machine_count: i64,
    pub space: Space,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShowSpaceResults {
    pub results: Vec<ShowSpaceResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Space {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub id: String,
    pub name: String,
    pub subnets: Vec<Subnet>,
}
