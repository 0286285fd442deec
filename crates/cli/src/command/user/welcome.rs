//! What `login` and `register` say at their end: who is in, and on which models work can go on.

use client::files::Models;

use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::select;

/// Welcomes, and chooses the model when there is just one.
pub async fn welcome(context: &mut Context, api: &Api) -> Result<()> {
    context.refresh_models_over(api).await?;
    context.note(format!("Welcome, {}. You are now logged into {:?}.\n\n", api.user, api.controller));
    let known = context.store.models()?.controllers.get(&api.controller).cloned().unwrap_or_default();
    let mut names: Vec<&String> = known.models.keys().collect();
    let is_others = |name: &str| !name.starts_with(&format!("{}/", api.user));
    names.sort_by_key(|name| (is_others(name), (*name).clone()));
    match names.as_slice() {
        [] => context.note(
            "There are no models available. You can add models with\n\
             \"juju add-model\", or you can ask an administrator or owner\n\
             of a model to grant access to that model with \"juju grant\".\n",
        ),
        [one] => {
            context.note(format!("Current model set to \"{one}\".\n"));
            let one = (*one).clone();
            context.store.update(|all: &mut Models| {
                all.controllers.entry(api.controller.clone()).or_default().current_model = Some(one);
                Ok::<_, Error>(())
            })?;
        }
        several => {
            let lines: String =
                several.iter().map(|name| format!("  - juju switch {}\n", select::shown(name, &api.user))).collect();
            let count = several.len();
            context.note(format!(
                "There are {count} models available. Use \"juju switch\" to select\none of them:\n{lines}"
            ));
        }
    }
    Ok(())
}
