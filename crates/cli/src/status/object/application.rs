//! Applications, their units, remote applications and offers in the structured form.

use std::collections::BTreeMap;

use wire::facade::client::{ApplicationStatus, DetailedStatus, RemoteEndpoint, UnitStatus};
use wire::yaml::Node;

use super::machine::base;
use super::{Form, Object, failure, map, texts};
use crate::status::View;

impl View<'_> {
    pub(super) fn applications(&self, form: Form) -> Node {
        let one = |(name, app): (&String, &ApplicationStatus)| (name.clone(), self.application(name, app, form));
        map(self.status.applications.iter().map(one).collect(), form)
    }

    fn application(&self, name: &str, app: &ApplicationStatus, form: Form) -> Node {
        if let Some(error) = &app.err {
            return failure(error);
        }
        let charm = Charm::parse(&app.charm);
        let mut out = Object::new(form);
        out.text("charm", if charm.origin == "charmhub" { charm.name } else { &app.charm });
        if let Some(base) = base(&app.base) {
            out.put("base", base);
        }
        out.text("charm-origin", charm.origin).text("charm-name", charm.name);
        out.put("charm-rev", Node::Int(i128::from(if app.charm_rev == 0 { charm.revision } else { app.charm_rev })));
        out.text_if("charm-channel", &app.charm_channel).text_if("charm-version", &app.charm_version);
        out.text_if("charm-profile", &app.charm_profile).text_if("can-upgrade-to", &app.can_upgrade_to);
        if app.int != 0 {
            out.put("scale", Node::Int(i128::from(app.int)));
        }
        out.text_if("provider-id", &app.provider_id).text_if("address", &app.public_address);
        out.put("exposed", Node::Bool(app.exposed)).text_if("life", &app.life);
        out.put("application-status", self.condition(&app.status, form));
        out.map_if("relations", self.related(name, app));
        out.list_if("subordinate-to", &app.subordinate_to);
        out.map_if("units", self.units(&app.units, form));
        out.text_if("version", &app.workload_version);
        let bindings = app.endpoint_bindings.iter().map(|(k, v)| (k.clone(), Node::str(v)));
        out.map_if("endpoint-bindings", bindings.collect());
        out.done()
    }

    /// Endpoint by endpoint, what is at the other end.
    fn related(&self, name: &str, app: &ApplicationStatus) -> Vec<(String, Node)> {
        let ends = |(endpoint, others): (&String, &Vec<String>)| {
            let find = |other: &String| {
                let relation = self.status.relations.iter().find(|r| {
                    let here = r.endpoints.iter().any(|e| e.application == name && e.name == *endpoint);
                    here && r.endpoints.iter().any(|e| {
                        e.application == *other
                            && (r.endpoints.len() == 1 || e.application != name || e.name != *endpoint)
                    })
                })?;
                let mut out = Object::new(Form::Yaml);
                out.text("related-application", other).text("interface", &relation.interface);
                out.text("scope", &relation.scope);
                Some(out.done())
            };
            (endpoint.clone(), Node::Seq(others.iter().filter_map(find).collect()))
        };
        app.relations.iter().map(ends).collect()
    }

    fn units(&self, units: &BTreeMap<String, UnitStatus>, form: Form) -> Vec<(String, Node)> {
        units.iter().map(|(name, unit)| (name.clone(), self.unit(name, unit, form))).collect()
    }

    fn unit(&self, name: &str, u: &UnitStatus, form: Form) -> Node {
        let mut out = Object::new(form);
        // An unreadable workload stands for the whole unit in yaml; json shows it as an empty structure.
        if let Some(error) = u.workload_status.err.as_ref().filter(|_| form == Form::Yaml) {
            return failure(error);
        }
        let message = self.workload_message(name, u);
        let workload = DetailedStatus { err: None, ..u.workload_status.clone() };
        out.structure("workload-status", self.of_unit(&workload, &message, form));
        out.structure("juju-status", self.of_unit(&u.agent_status, &u.agent_status.info, form));
        if u.leader {
            out.put("leader", Node::Bool(true));
        }
        out.text_if("upgrading-from", &u.charm).text_if("machine", &u.machine);
        out.list_if("open-ports", &u.opened_ports);
        out.text_if("public-address", &u.public_address).text_if("address", &u.address);
        out.text_if("provider-id", &u.provider_id);
        out.map_if("subordinates", self.units(&u.subordinates, form));
        out.text_if("branch", self.branch_of(name).unwrap_or_default());
        out.done()
    }

    /// A unit's status; its life is the application's affair.
    fn of_unit(&self, status: &DetailedStatus, message: &str, form: Form) -> Node {
        match &status.err {
            Some(error) => failure(error),
            None => self.condition_with(&DetailedStatus { life: String::new(), ..status.clone() }, message, form),
        }
    }

    pub(super) fn remote_applications(&self, form: Form) -> Vec<(String, Node)> {
        let remotes = self.status.remote_applications.iter();
        remotes
            .map(|(name, app)| {
                if let Some(error) = &app.err {
                    return (name.clone(), failure(error));
                }
                let mut out = Object::new(form);
                out.text("url", &app.offer_url);
                out.map_if("endpoints", app.endpoints.iter().map(|e| (e.name.clone(), endpoint(e))).collect());
                out.text_if("life", &app.life);
                out.structure("application-status", self.condition(&app.status, form));
                out.map_if("relations", app.relations.iter().map(|(k, v)| (k.clone(), texts(v))).collect());
                (name.clone(), out.done())
            })
            .collect()
    }

    pub(super) fn offers(&self, form: Form) -> Vec<(String, Node)> {
        let offers = self.status.offers.iter();
        offers
            .map(|(name, offer)| {
                if let Some(error) = &offer.err {
                    return (name.clone(), failure(error));
                }
                let count = |n: i64| Node::Int(i128::from(n));
                let mut out = Object::new(form);
                out.text("application", &offer.application_name).text_if("charm", &offer.charm);
                if offer.total_connected_count != 0 {
                    out.put("total-connected-count", count(offer.total_connected_count));
                }
                if offer.active_connected_count != 0 {
                    out.put("active-connected-count", count(offer.active_connected_count));
                }
                out.put(
                    "endpoints",
                    map(offer.endpoints.iter().map(|(k, v)| (k.clone(), endpoint(v))).collect(), form),
                );
                (name.clone(), out.done())
            })
            .collect()
    }
}

fn endpoint(e: &RemoteEndpoint) -> Node {
    let mut out = Object::new(Form::Yaml);
    out.text("interface", &e.interface).text("role", &e.role);
    out.done()
}

/// What a charm's URL says: `ch:amd64/mysql-24`, `local:focal/x-3`.
pub(in crate::status) struct Charm<'a> {
    pub origin: &'static str,
    pub name: &'a str,
    pub revision: i64,
}

impl<'a> Charm<'a> {
    pub(in crate::status) fn parse(url: &'a str) -> Self {
        let (scheme, path) = url.split_once(':').unwrap_or(("", url));
        let last = path.rsplit('/').next().unwrap_or_default();
        let (name, revision) = match last.rsplit_once('-').map(|(name, rev)| (name, rev.parse())) {
            Some((name, Ok(revision))) => (name, revision),
            _ => (last, 0),
        };
        let origin = match scheme {
            "ch" | "cs" | "" => "charmhub",
            "local" => "local",
            _ => "unknown",
        };
        Charm { origin, name, revision }
    }
}
