//! `bases`: what machines of this host may have for a system.

use wire::yaml::Node;

use super::operator;
use crate::command::Command;
use crate::context::Context;
use crate::error::Result;
use crate::operating::HostBase;
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "bases",
    purpose: "List the bases that machines of this host may have.",
    doc: "Lists the bases of the cloud 'builtin' on this host, the one first that machines have which ask for none:\n\n\
          host         made of this host's own packages\n\
          archive      added by 'grigri add-base' from an archive of a root file system\n\
          debootstrap  made by the program of that name, if it is installed; one that is not there yet is made when the\n             \
          first machine asks for it, which takes a minute or more\n\n\
          Machines are those of all controllers on this host.",
    examples: "\n    sudo grigri bases\n    sudo grigri bases --format json",
    see_also: &["add-base", "remove-base", "add-machine"],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let injected = context.injected.clone();
    let bases = operator(&injected)?.bases().await?;
    if context.format() == "tabular" {
        return context.result_bytes(&table(&bases));
    }
    let nodes = bases.iter().map(|base| (base.name.clone(), node(base))).collect();
    context.result_node(&Node::Map(nodes))
}

fn state(base: &HostBase) -> &'static str {
    if base.is_ready { "ready" } else { "on demand" }
}

fn table(bases: &[HostBase]) -> Vec<u8> {
    let mut table = Table::new().right(&[3]);
    table.row(&["Base", "Source", "State", "Size", "Machines"]);
    for base in bases {
        let name = format!("{}{}", base.name, if base.is_default { "*" } else { "" });
        table.row(&[name, base.source.clone(), state(base).to_owned(), size(base), base.machines.len().to_string()]);
    }
    table.finish()
}

/// MiB, rounded up; nothing where it was not counted.
pub(super) fn size(base: &HostBase) -> String {
    base.bytes.map(|bytes| format!("{}M", bytes.div_ceil(1 << 20))).unwrap_or_default()
}

fn node(base: &HostBase) -> Node {
    let mut entries = vec![("source".to_owned(), Node::str(&base.source))];
    if !base.detail.is_empty() {
        entries.push(("detail".to_owned(), Node::str(&base.detail)));
    }
    entries.push(("state".to_owned(), Node::str(state(base))));
    if base.is_default {
        entries.push(("default".to_owned(), Node::Bool(true)));
    }
    for (name, count) in [("files", base.files), ("bytes", base.bytes)] {
        entries.extend(count.map(|count| (name.to_owned(), Node::Int(count.into()))));
    }
    if !base.machines.is_empty() {
        entries.push(("machines".to_owned(), Node::Seq(base.machines.iter().map(Node::str).collect())));
    }
    Node::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_bases() {
        let own = HostBase {
            name: "debian@12".into(),
            source: "host".into(),
            is_ready: true,
            is_default: true,
            machines: vec!["a".into(), "b".into()],
            ..HostBase::default()
        };
        let made = HostBase { name: "debian@13".into(), source: "debootstrap".into(), ..HostBase::default() };
        let added = HostBase {
            name: "own@1".into(),
            source: "archive".into(),
            is_ready: true,
            bytes: Some((1 << 20) + 1),
            ..HostBase::default()
        };
        assert_eq!(
            String::from_utf8_lossy(&table(&[own, made, added])),
            "Base        Source       State      Size  Machines\n\
             debian@12*  host         ready            2\n\
             debian@13   debootstrap  on demand        0\n\
             own@1       archive      ready        2M  0\n"
        );
    }
}
