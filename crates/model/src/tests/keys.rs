//! Who gets in: keys added, imported, removed, each outcome told for each.

use super::{a_model, a_state};
use crate::State;
use crate::change::block;
use crate::change::key::{self, MOST, Published};
use crate::record::block::BlockKind;
use base::{ModelUuid, Refusal};

const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXcPYjNSne8WLcXxgOVCnObMrHJExS0kQZws51BP/wr";
const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const THREE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHwlCFzzaNCMMa2KCRhRzQMMfTZzRg6A+bUm7JLr9Sd";

fn words(outcome: Vec<Result<(), Refusal>>) -> Vec<String> {
    outcome.into_iter().map(|one| one.map_or_else(|refusal| refusal.words().to_owned(), |()| "ok".to_owned())).collect()
}

async fn add(state: &State, model: ModelUuid, lines: &[&str]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    words(state.change(|beliefs, given| key::add(beliefs, model, &lines, given)).await.expect("decided"))
}

async fn import(state: &State, model: ModelUuid, published: &[(&str, Result<&[&str], &str>)]) -> Vec<String> {
    let published: Vec<Published> = published
        .iter()
        .map(|(id, lines)| {
            let lines = lines.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
            (id.parse().expect("an id"), lines.map_err(|why| Refusal::plain(why.to_owned())))
        })
        .collect();
    words(state.change(|beliefs, given| key::import(beliefs, model, &published, given)).await.expect("decided"))
}

async fn remove(state: &State, model: ModelUuid, names: &[&str]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    words(state.change(|beliefs, given| key::remove(beliefs, model, &names, given)).await.expect("decided"))
}

fn keys(state: &State, model: ModelUuid) -> Vec<String> {
    state.read().in_model(model).expect("there").keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default()
}

#[tokio::test]
async fn keys_that_are_good_come_in_whatever_the_others_are() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let (mine, internal) = (format!("{ONE} me@home"), format!("{THREE} juju-client-key"));
    let said =
        add(&state, model, &[&mine, "nonsense", ONE, &internal, &format!("no-pty {TWO}"), &format!(" {TWO} \n")]).await;
    let expected = [
        "ok".to_owned(),
        "invalid ssh key: nonsense".into(),
        format!("duplicate ssh key: {ONE}"),
        format!("may not add key with comment juju-client-key: {internal}"),
        format!("invalid ssh key: no-pty {TWO}"),
        "ok".into(),
    ];
    assert_eq!(said, expected);
    assert_eq!(keys(&state, model), [mine.as_str(), TWO]);
    let again = add(&state, model, &[&format!("{TWO} another comment")]).await;
    assert_eq!(again, [format!("duplicate ssh key: {TWO} another comment")]);
}

#[tokio::test]
async fn published_keys_bear_the_mark_of_their_id_and_go_by_it() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let spoofed = format!("{TWO} juju-client-key");
    let published: &[&str] = &[ONE, "", "# a remark", &spoofed];
    assert_eq!(
        import(&state, model, &[("gh:bob", Ok(published)), ("lp:amy", Ok(&[]))]).await,
        ["ok", "no ssh keys are published for lp:amy"]
    );
    let (first, second) = (format!("{ONE} # ssh-import-id gh:bob"), format!("{spoofed} # ssh-import-id gh:bob"));
    assert_eq!(keys(&state, model), [first.clone(), second]);

    // Again: all are there. One more: that is what counts. One that is no key: told, the others come in.
    assert_eq!(import(&state, model, &[("gh:bob", Ok(published))]).await, [format!("duplicate ssh key: {first}")]);
    let said = import(
        &state,
        model,
        &[("lp:amy", Ok(&[ONE, "ssh-new AAAA", THREE])), ("gh:zoe", Err("cannot reach github.com"))],
    );
    assert_eq!(said.await, ["invalid ssh key: ssh-new AAAA", "cannot reach github.com"]);
    assert_eq!(keys(&state, model)[2], format!("{THREE} # ssh-import-id lp:amy"));

    assert_eq!(
        remove(&state, model, &["# ssh-import-id lp:amy", "# ssh-import-id lp:amy"]).await,
        ["ok", "key not found: # ssh-import-id lp:amy"]
    );
    assert_eq!(keys(&state, model).len(), 2);
}

#[tokio::test]
async fn a_key_goes_by_fingerprint_comment_or_itself_and_the_last_one_stays() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let system = "ssh-rsa AAAA juju-client-key";
    for name in [
        "10:8e:0f:72:ff:95:0e:70:4a:e7:be:2e:5a:16:a8:e2",
        "SHA256:GyxAECaiHAnY0IU2b5oWr01gAhaGXgPJi5vi+5rp7Bs",
        "me: at home",
        ONE,
    ] {
        add(&state, model, &[&format!("{ONE} me: at home"), TWO]).await;
        assert_eq!(remove(&state, model, &[name]).await, ["ok"], "{name}");
        assert_eq!(keys(&state, model), [TWO], "{name}");
    }
    assert_eq!(
        remove(&state, model, &[TWO, "nobody", ""]).await,
        ["cannot delete all keys", "key not found: nobody", "key not found: "]
    );

    let wanted = crate::change::model::CreateModel {
        name: "n".into(),
        owner: "admin".into(),
        config: [("authorized-keys".to_owned(), system.into())].into(),
        ..Default::default()
    };
    let model =
        state.change(|beliefs, given| crate::change::model::create(beliefs, &wanted, given)).await.expect("a model");
    add(&state, model, &[TWO]).await;
    assert_eq!(
        remove(&state, model, &["juju-client-key", TWO]).await,
        ["may not delete internal key: juju-client-key", "ok"]
    );
    assert_eq!(keys(&state, model), [system]);
}

#[tokio::test]
async fn keys_are_bounded_and_heed_the_block_on_changes() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let many: Vec<String> = (0..=MOST).map(numbered).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = add(&state, model, &many).await;
    assert!(said[..MOST].iter().all(|one| one == "ok"));
    assert_eq!(said[MOST], said_of_full());
    let model_of_long = a_model(&state, "long").await;
    let long: Vec<String> = (0..40).map(|number| format!("{} {}", numbered(number), "x".repeat(8000))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let said = add(&state, model_of_long, &long).await;
    assert_eq!((said.iter().filter(|one| *one == "ok").count(), said[39].as_str()), (32, said_of_full()));

    state.change(|beliefs, given| block::switch_on(beliefs, model, BlockKind::Change, "no", given)).await.expect("on");
    let lines = [ONE.to_owned()];
    let published: Vec<Published> = vec![("gh:bob".parse().expect("an id"), Ok(lines.to_vec()))];
    let refused = [
        state.change(|beliefs, given| key::add(beliefs, model, &lines, given)).await.is_err(),
        state.change(|beliefs, given| key::import(beliefs, model, &published, given)).await.is_err(),
        state.change(|beliefs, given| key::remove(beliefs, model, &lines, given)).await.is_err(),
    ];
    assert_eq!(refused, [true; 3]);
}

fn said_of_full() -> &'static str {
    "model has as many ssh keys as it can hold, remove some first"
}

/// A key of another number each.
fn numbered(number: usize) -> String {
    let digits = format!("{number:04}");
    let letters: String = digits.bytes().map(|digit| char::from(b'A' + (digit - b'0'))).collect();
    ONE.replace("AXcPYjN", &format!("A{letters}jN"))
}
