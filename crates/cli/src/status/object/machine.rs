//! Machines in the structured form, containers inside their hosts.

use std::collections::BTreeMap;

use wire::facade::client::{Base, LXDProfile, MachineStatus, NetworkInterface};
use wire::yaml::Node;

use super::{Form, Object, map, texts};
use crate::status::View;

/// The map of those machines that are wanted.
#[must_use]
pub fn machines(view: &View<'_>, form: Form, wanted: impl Fn(&str) -> bool) -> Node {
    let entries = view.status.machines.iter().filter(|(id, _)| wanted(id));
    map(entries.map(|(id, m)| (id.clone(), machine(view, m, form))).collect(), form)
}

fn machine(view: &View<'_>, m: &MachineStatus, form: Form) -> Node {
    let mut out = Object::new(form);
    out.structure("juju-status", view.condition(&m.agent_status, form));
    out.text_if("hostname", &m.hostname).text_if("dns-name", &m.dns_name);
    out.list_if("ip-addresses", &m.ip_addresses);
    out.text_if("instance-id", &m.instance_id).text_if("display-name", &m.display_name);
    out.structure("machine-status", view.condition(&m.instance_status, form));
    out.structure("modification-status", view.condition(&m.modification_status, form));
    if let Some(base) = base(&m.base) {
        out.put("base", base);
    }
    out.map_if("network-interfaces", m.network_interfaces.iter().map(|(k, v)| (k.clone(), interface(v))).collect());
    out.map_if("containers", m.containers.iter().map(|(id, c)| (id.clone(), machine(view, c, form))).collect());
    out.text_if("constraints", &m.constraints).text_if("hardware", &m.hardware);
    if m.jobs.iter().any(|j| j == "JobManageModel") {
        out.text("controller-member-status", vote(m.has_vote, m.wants_vote));
    }
    if m.primary_controller_machine {
        out.put("ha-primary", Node::Bool(true));
    }
    out.map_if("lxd-profiles", m.lxd_profiles.iter().map(|(k, v)| (k.clone(), profile(v, form))).collect());
    out.done()
}

/// `{name, channel}`, the channel without its risk when that is stable.
pub(super) fn base(base: &Base) -> Option<Node> {
    if base.name.is_empty() && base.channel.is_empty() {
        return None;
    }
    let channel = base.channel.strip_suffix("/stable").unwrap_or(&base.channel);
    Some(Node::Map(vec![("name".to_owned(), Node::str(&base.name)), ("channel".to_owned(), Node::str(channel))]))
}

fn vote(has: bool, wants: bool) -> &'static str {
    match (has, wants) {
        (true, true) => "has-vote",
        (true, false) => "removing-vote",
        (false, true) => "adding-vote",
        (false, false) => "no-vote",
    }
}

fn interface(i: &NetworkInterface) -> Node {
    let mut out = Object::new(Form::Yaml);
    out.put("ip-addresses", texts(&i.ip_addresses)).text("mac-address", &i.mac_address);
    out.text_if("gateway", &i.gateway).list_if("dns-nameservers", &i.dns_nameservers);
    out.text_if("space", &i.space).put("is-up", Node::Bool(i.is_up));
    out.done()
}

fn profile(p: &LXDProfile, form: Form) -> Node {
    let strings =
        |map_of: &BTreeMap<String, String>| map(map_of.iter().map(|(k, v)| (k.clone(), Node::str(v))).collect(), form);
    let mut out = Object::new(form);
    out.put("config", strings(&p.config)).text("description", &p.description);
    out.put("devices", map(p.devices.iter().map(|(k, v)| (k.clone(), strings(v))).collect(), form));
    out.done()
}
