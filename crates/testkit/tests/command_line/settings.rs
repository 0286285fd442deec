//! Settings and switches of models and controllers: what new models begin with, what is refused, what a block says.

use model::record::cloud::Region;

use super::Desk;

impl Desk {
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    /// Runs what must not work, and gives the exit code with stderr.
    async fn fails(&self, line: &str) -> (i32, String) {
        let (code, _, err) = self.run(line).await;
        assert_ne!(code, 0, "{line}");
        (code, err)
    }
}

#[tokio::test]
async fn what_new_models_begin_with_is_set_shown_and_taken_away() {
    let desk = Desk::new().await;
    let with_region = |beliefs: &model::Beliefs, given: model::Given<'_>| {
        let mut cloud = beliefs.clouds.get("fake").expect("there").to_record();
        let region = |name: &str| Region { name: name.into(), ..Region::default() };
        cloud.regions = vec![region("default"), region("other")];
        model::change::cloud::update(beliefs, &cloud, given)
    };
    desk.controller.state().change(with_region).await.expect("updated");
    desk.works("juju add-model old").await;
    desk.write("defaults.yaml", "no-proxy: localhost\nproxy-ssh: true\n");
    desk.works("juju model-defaults --file defaults.yaml http-proxy=http://c num-provision-workers=8").await;
    desk.works("juju model-defaults --region fake/default http-proxy=http://r").await;
    desk.works("juju model-defaults --region other http-proxy=http://o no-proxy=o").await;
    let shown = desk.works("juju model-defaults http-proxy").await;
    let table = "Attribute   Default   Controller\nhttp-proxy  \"\"        http://c\n  default   http://r  -\n  other     http://o  -\n";
    assert_eq!(shown, table);
    assert_eq!(
        desk.works("juju model-default --region default --format yaml").await,
        "http-proxy:\n  default: \"\"\n  controller: http://c\n  regions:\n  - name: default\n    value: http://r\n"
    );
    desk.works("juju add-model m fake/default").await;
    let config = desk.works("juju model-config").await;
    let line = |key: &str| {
        let line = config.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("http-proxy "), "region http://r");
    assert_eq!(line("no-proxy "), "controller localhost");
    assert_eq!(line("proxy-ssh "), "controller true");
    assert_eq!(line("num-provision-workers "), "controller 8");
    assert_eq!(line("https-proxy "), "default \"\"");
    // What was there before is as it was, until a key is reset.
    assert_eq!(desk.works("juju model-config -m old proxy-ssh").await, "False\n");
    desk.works("juju model-config -m old --reset proxy-ssh").await;
    assert_eq!(desk.works("juju model-config -m old proxy-ssh").await, "True\n");
    desk.works("juju model-defaults --reset http-proxy,no-proxy --reset num-provision-workers").await;
    desk.works("juju model-defaults --cloud fake --region default --reset http-proxy").await;
    let (code, err) = desk.fails("juju model-defaults --region default http-proxy").await;
    let none = "ERROR there are no default model values for \"http-proxy\" in region \"default\"\n";
    assert_eq!((code, err.as_str()), (1, none));
    assert_eq!(desk.works("juju model-config http-proxy").await, "http://r\n", "the model keeps it");
    desk.write("list.yaml", "[1, 2]\n");
    for (line, expected) in [
        ("juju model-defaults uuid=x", "\"uuid\" is an attribute of one model, and cannot be set as a model-default"),
        ("juju model-defaults agent-version=1", "\"agent-version\" must be set via \"upgrade-model\""),
        ("juju model-defaults development=maybe", "development: expected bool, got \"maybe\""),
        ("juju model-defaults --region moon", "invalid region specified: \"moon\""),
        ("juju model-defaults --cloud mars", "cloud mars not found"),
        ("juju model-defaults --file nothing.yaml", "open nothing.yaml: no such file or directory"),
        ("juju model-config --file list.yaml", "cannot parse list.yaml: expected a map of keys to values"),
    ] {
        let (code, err) = desk.fails(line).await;
        assert_eq!(code, 1, "{line}");
        assert!(err.ends_with(&format!("ERROR {expected}\n")), "{line}: {err}");
    }
    desk.works("juju model-defaults --ignore-read-only-fields agent-version=1 development=true").await;
    assert!(desk.works("juju model-defaults development").await.contains("development  false    true\n"));
    // What was current is no more: nothing is, and what can be chosen is named.
    desk.works("juju add-model last").await;
    desk.works("juju destroy-model last --no-prompt").await;
    let (code, err) = desk.fails("juju model-config http-proxy").await;
    let chosen = "Use \"juju switch\" to select one of the following models:\n\n  - lab:admin/";
    assert!(code == 2 && err.starts_with("ERROR No selected model.") && err.contains(chosen), "{err}");
}

#[tokio::test]
async fn a_controllers_settings_are_shown_and_some_of_them_set() {
    let desk = Desk::new().await;
    assert_eq!(desk.works("juju controller-config audit-log-max-size").await, "300M\n");
    desk.works("juju controller-config audit-log-max-size=200M auditing-enabled=false").await;
    assert_eq!(desk.works("juju controller-config audit-log-max-size").await, "200M\n");
    assert_eq!(desk.works("juju controller-config auditing-enabled --format json").await, "false\n");
    desk.write("more.yaml", "max-agent-state-size: 2000000\nfeatures: [a, b]\n");
    desk.works("juju controller-config --file more.yaml").await;
    assert_eq!(desk.works("juju controller-config features").await, "a\nb\n");
    let all = desk.works("juju controller-config").await;
    assert!(all.starts_with("Attribute  "), "{all}");
    assert!(all.lines().any(|line| line.starts_with("max-agent-state-size ") && line.ends_with(" 2e+06")), "{all}");
    for (line, expected) in [
        ("juju controller-config nosuch", "ERROR key \"nosuch\" not found in controller \"lab\"\n"),
        (
            "juju controller-config nosuch=1 api-port=1 features=x",
            "ERROR invalid or read-only controller config values cannot be updated: [api-port nosuch]\n",
        ),
        ("juju controller-config auditing-enabled=maybe", "ERROR auditing-enabled: expected bool, got \"maybe\"\n"),
    ] {
        assert_eq!(desk.fails(line).await, (1, expected.to_owned()), "{line}");
    }
    assert_eq!(desk.fails("juju controller-config a b").await.0, 2);
    let (code, _, err) = desk.run("juju controller-config --ignore-read-only-fields api-port=1 features=x").await;
    let words = "WARNING invalid or read-only controller config values cannot be updated: [api-port]\n";
    assert_eq!((code, err.as_str()), (0, words));
    assert_eq!(desk.works("juju controller-config features").await, "x\n");
}

#[tokio::test]
async fn commands_are_disabled_and_enabled_again() {
    let desk = Desk::new().await;
    desk.works("juju add-model m").await;
    for line in ["juju disabled-commands", "juju disabled-commands --all"] {
        let (code, out, err) = desk.run(line).await;
        assert_eq!((code, out.as_str(), err.as_str()), (0, "", "No commands are currently disabled.\n"), "{line}");
    }
    assert_eq!(desk.works("juju disabled-commands --all --format json").await, "[]\n");
    desk.works("juju disable-command destroy-model").await;
    desk.works("juju disable-command all by mistake").await;
    desk.works("juju disable-command all ask Ann").await;
    let shown = desk.works("juju disabled-commands --format json").await;
    assert_eq!(shown, "[{\"command-set\":\"destroy-model\"},{\"command-set\":\"all\",\"message\":\"ask Ann\"}]\n");
    let yaml = desk.works("juju list-disabled-commands --all --format yaml").await;
    assert!(yaml.starts_with("- name: m\n  model-uuid: "), "{yaml}");
    assert!(yaml.ends_with("\n  owner: admin\n  disabled-commands:\n  - destroy-model\n  - all\n"), "{yaml}");
    let table = desk.works("juju disabled-commands --all").await;
    assert!(table.starts_with("Name  Model UUID  ") && table.ends_with("  admin  destroy-model, all\n"), "{table}");
    let (code, err) = desk.fails("juju add-machine").await;
    assert_eq!(code, 1);
    assert!(err.starts_with("ERROR ask Ann (operation is blocked)\n\nAll operations that change model"), "{err}");
    desk.works("juju enable-command all").await;
    desk.works("juju enable-command all").await;
    desk.works("juju add-machine").await;
    let (_, err) = desk.fails("juju destroy-model --no-prompt m").await;
    assert!(err.contains("juju enable-command destroy-model"), "{err}");
    desk.works("juju disable-command -m controller all").await;
    let (_, err) = desk.fails("juju model-defaults development=true").await;
    assert!(err.contains("the operation has been blocked"), "{err}");
    desk.works("juju enable-destroy-controller").await;
    assert_eq!(desk.works("juju disabled-commands --all --format yaml").await, "[]\n");
    desk.works("juju model-defaults development=true").await;
}
