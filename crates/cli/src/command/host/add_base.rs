//! `add-base`: a system that machines of this host may have from now on.

use super::{bases, operator};
use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::operating::AddBaseParams;
use crate::steps::steps;

pub const COMMAND: Command = Command {
    name: "add-base",
    args: "<base> [<archive>]",
    arguments: &[&[Noun::Base], &[Noun::File]],
    purpose: "Add a base that machines of this host may have.",
    doc: "Takes a base for machines of the cloud 'builtin' on this host from an archive: a root file system as tar, plain or\n\
          packed by gzip, xz, zstd or bzip2. Container images exported as one file system are such archives, and what\n\
          distributions call 'rootfs'. Without an archive 'debootstrap' makes it, which must be installed.\n\n\
          The archive is not trusted: what leads out of it, is too large, or belongs to users that a machine cannot have is\n\
          refused; devices, passwords and ssh host keys are left out. The login user 'ubuntu' is added. An archive that says\n\
          of itself that it is another base is refused, unless '--force' is given.\n\n\
          Controllers need not be told. A base that is there already is replaced for new machines. It stays until it is\n\
          removed, also when no controller is on the host.",
    examples: "\n    sudo grigri add-base own@1 root.tar.xz\n    sudo grigri add-base debian@13\n    \
               sudo grigri add-base debian@13 --mirror http://mirror.example/debian",
    see_also: &["bases", "remove-base", "add-machine"],
    flags: &[
        Flag::bool(&["force"], "Add it though the archive says that it is another base"),
        Flag::text(
            &["mirror"],
            "Where debootstrap gets packages, instead of the host's own mirror or the distribution's",
        ),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(2)?;
    let Some(name) = context.args.get(0) else { return Err(Error::usage("no base specified, like debian@13")) };
    let name = base::OsBase::parse(name).map_err(|e| Error::usage(e.to_string()))?.to_string();
    let archive = context.args.get(1).map(|typed| context.io.path(typed));
    let mirror = context.args.text("mirror").filter(|mirror| !mirror.is_empty()).map(str::to_owned);
    if archive.is_some() && mirror.is_some() {
        return Err(Error::usage("--mirror is for bases that debootstrap makes, not for archives"));
    }
    let params = AddBaseParams { name, archive, mirror, unlike: context.args.is_set("force") };
    let injected = context.injected.clone();
    let (tell, steps) = steps();
    let added = steps.show(context, operator(&injected)?.add_base(&params, &tell)).await?;
    let files = added.files.map(|files| format!(": {files} files, {}", bases::size(&added))).unwrap_or_default();
    context.info(format!("added base {}{files}", added.name));
    Ok(())
}
