//! Several clients at the same thing at once: each is answered, and what stands in the end is what one after the other could have made.

use futures_util::future::join_all;
use model::key::Object;
use rpc::CallError;
use serde_json::{Value, json};

use super::rig::Rig;

/// A call as a whole was refused, or its one item; nothing else may go wrong.
fn refused(answer: Result<Value, CallError>) -> Option<String> {
    match answer {
        Ok(answer) => answer["results"][0]["error"]["message"].as_str().map(str::to_owned),
        Err(CallError::Refused(error)) => Some(error.message),
        Err(other) => panic!("not answered: {other:?}"),
    }
}

#[tokio::test]
async fn a_user_who_is_granted_revoked_and_removed_at_once() {
    let rig = Rig::start().await;
    let model = rig.add_model("m").await;
    let clients = join_all((0..6).map(|_| rig.login("/api", "admin"))).await;
    for round in 0..10 {
        let name = format!("bob{round}");
        let add = json!({"users": [{"username": name, "display-name": "", "password": ""}]});
        assert_eq!(refused(clients[0].call("UserManager", 3, "AddUser", add).await), None);
        let tag = format!("user-{name}");
        let change = |action: &str, level: &str| {
            let change =
                json!({"model-tag": format!("model-{model}"), "user-tag": tag, "action": action, "access": level});
            ("ModelManager", 10, "ModifyModelAccess", json!({"changes": [change]}))
        };
        let controller = json!({"changes": [{"user-tag": tag, "action": "grant", "access": "superuser"}]});
        let remove = json!({"entities": [{"tag": tag}]});
        let calls = [
            change("grant", "read"),
            change("grant", "admin"),
            change("revoke", "read"),
            ("Controller", 12, "ModifyControllerAccess", controller),
            ("UserManager", 3, "RemoveUser", remove.clone()),
            ("UserManager", 3, "RemoveUser", remove),
        ];
        let all = clients.iter().zip(calls);
        let answers = join_all(
            all.map(|(client, (facade, version, method, params))| client.call(facade, version, method, params)),
        )
        .await;
        let removals: Vec<Option<String>> = answers.into_iter().skip(4).map(refused).collect();
        let done = removals.iter().filter(|one| one.is_none()).count();
        assert!(done >= 1, "nobody removed {name}: {removals:?}");
        let read = rig.state.read();
        assert!(read.users.get(name.as_str()).is_some_and(|user| user.removed), "{name} is there");
        for object in [Object::Model(model), Object::Controller] {
            let left: Vec<String> = read.access_on(&object).map(|(user, _)| user.to_owned()).collect();
            assert!(!left.contains(&name), "{name} has something on {object:?}: {left:?}");
        }
    }
}

#[tokio::test]
async fn a_model_that_two_destroy_and_a_third_fills() {
    let rig = Rig::start().await;
    for round in 0..10 {
        let model = rig.add_model(&format!("m{round}")).await;
        let (one, two) = (rig.login("/api", "admin").await, rig.login("/api", "admin").await);
        let third = rig.login(&format!("/model/{model}/api"), "admin").await;
        let destroy = json!({"models": [{"model-tag": format!("model-{model}")}]});
        let machine = json!({"params": [{"jobs": ["JobHostUnits"]}]});
        let (first, second, added) = tokio::join!(
            one.call("ModelManager", 10, "DestroyModels", destroy.clone()),
            two.call("ModelManager", 10, "DestroyModels", destroy),
            third.call("MachineManager", 10, "AddMachines", machine),
        );
        let refusals: Vec<String> = [first, second].into_iter().filter_map(refused).collect();
        assert!(refusals.iter().all(|words| words.contains("not found")), "{refusals:?}");
        assert!(refusals.len() < 2, "nobody destroyed it");
        if let Err(error) = added {
            assert!(matches!(error, CallError::Refused(_)), "{error:?}");
        }
        let read = rig.state.read();
        let left = read.models.get(&model);
        assert!(
            left.is_none_or(|model| model.model.as_ref().is_none_or(|one| one.life != base::Life::Alive)),
            "{round}"
        );
    }
}
