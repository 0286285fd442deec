//! A reader of any slowness, at the end, believes what is so: random changes and reads, against the state itself.

use super::{AllWatcher, Delta, Entity, Id, Key, all_ids, entity, same};
use crate::State;
use crate::change::{annotation, block, instance, machine, task};
use crate::record::block::BlockKind;
use crate::tests::{a_model, a_state_with};
use base::status::InstanceStatus;
use base::{MachineId, ModelUuid, OsBase, Tag};
use proptest::prelude::*;
use std::collections::HashMap;
use store::Limits;

#[derive(Debug, Clone)]
enum Step {
    Add,
    Says(usize, u8),
    Kill(usize),
    Run(usize),
    Annotate(usize, bool),
    Block(bool),
    Read,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Add),
        4 => (0..6usize, 0..3u8).prop_map(|(at, word)| Step::Says(at, word)),
        2 => (0..6usize).prop_map(Step::Kill),
        2 => (0..6usize).prop_map(Step::Run),
        2 => (0..6usize, any::<bool>()).prop_map(|(at, on)| Step::Annotate(at, on)),
        1 => any::<bool>().prop_map(Step::Block),
        3 => Just(Step::Read),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What is refused (a blocked change, a machine that is gone) is a step that did nothing.
async fn take(state: &State, model: ModelUuid, step: &Step) {
    let ids: Vec<MachineId> =
        state.read().models.get(&model).map(|within| within.machines.keys().cloned().collect()).unwrap_or_default();
    let id = |at: &usize| ids.get(at % ids.len().max(1)).cloned().unwrap_or(MachineId::top(0));
    match step {
        Step::Add => {
            let base = OsBase::parse("ubuntu@24.04").expect("valid");
            let one = [machine::AddMachine::default()];
            let _ = state.change(|b, g| machine::add(b, model, &one, &base, g)).await;
        }
        Step::Says(at, word) => {
            let words = [InstanceStatus::Pending, InstanceStatus::Allocating, InstanceStatus::Running];
            let word = words[usize::from(*word)];
            let id = id(at);
            let _ = state.change(|b, g| instance::set(b, model, &id, g, |record, g| record.says(word, "", g))).await;
        }
        Step::Kill(at) => {
            let id = id(at);
            let _ = state.change(|b, g| machine::destroy(b, model, &id, Default::default(), g)).await;
            let _ = state.change(|b, g| machine::mark_dead(b, model, &id, g)).await;
            let _ = state.change(|b, g| machine::remove_record(b, model, &id, g)).await;
        }
        Step::Run(at) => {
            let targets = vec![id(at).to_string()];
            let exec = task::Exec {
                command: "true".into(),
                timeout: 0,
                parallel: true,
                execution_group: String::new(),
                by: "admin".into(),
                targets: targets.clone(),
                refused: Vec::new(),
            };
            let _ = state.change(|b, g| task::enqueue(b, model, &exec, &targets, None, g)).await;
        }
        Step::Annotate(at, on) => {
            let value = if *on { "v" } else { "" };
            let pairs = [("k".to_owned(), value.to_owned())].into();
            let tag = Tag::Machine(id(at));
            let _ = state.change(|b, g| annotation::set(b, model, &tag, &pairs, g)).await;
        }
        Step::Block(true) => {
            let _ = state.change(|b, g| block::switch_on(b, model, BlockKind::Destroy, "", g)).await;
        }
        Step::Block(false) => {
            let _ = state.change(|b, g| block::switch_off(b, model, BlockKind::Destroy, g)).await;
        }
        Step::Read => {}
    }
}

fn id(entity: &Entity) -> Id {
    match entity {
        Entity::Model(_) => Id::Model,
        Entity::Machine(id, ..) => Id::Machine(id.clone()),
        Entity::Task(task) => Id::Task(task.id),
        Entity::Annotation(tag, _) => Id::Annotation(tag.clone()),
        Entity::Block(block) => Id::Block(block.kind),
    }
}

/// Reads what there is without waiting. Says whether there was anything.
async fn read(watcher: &mut AllWatcher, believed: &mut HashMap<Key, Entity>) -> bool {
    let deltas = tokio::select! {
        biased;
        deltas = watcher.next() => deltas.expect("the view is there").0,
        () = std::future::ready(()) => return false,
    };
    for (model, delta) in deltas {
        match delta {
            Delta::Change(now) => {
                let before = believed.insert((model, id(&now)), now.clone());
                assert!(before.is_none_or(|before| !same(&before, &now)), "told again what was told: {now:?}");
            }
            Delta::Remove(last) => {
                assert!(believed.remove(&(model, id(&last))).is_some(), "removed what it was never told of: {last:?}");
            }
        }
    }
    true
}

/// Of two models the second gets what the first gets with every other step.
async fn play(steps: &[Step], limits: Limits, all: bool) {
    let state = a_state_with(limits).await;
    let models = [a_model(&state, "m").await, a_model(&state, "n").await];
    let mut watcher = if all { AllWatcher::of_all_models(&state) } else { AllWatcher::new(&state, models[0]) };
    let mut believed = HashMap::new();
    for (nth, step) in steps.iter().enumerate() {
        take(&state, models[0], step).await;
        if nth % 2 == 0 {
            take(&state, models[1], step).await;
        }
        if matches!(step, Step::Read) {
            read(&mut watcher, &mut believed).await;
        }
    }
    while read(&mut watcher, &mut believed).await {}
    let now = state.read();
    let seen = now.models.iter().filter(|(model, _)| all || **model == models[0]);
    let there: HashMap<Key, Entity> = seen
        .flat_map(|(model, within)| all_ids(within).into_iter().map(move |id| (model, within, id)))
        .filter_map(|(model, within, id)| Some(((*model, id.clone()), entity(*model, within, &id, state.presence())?)))
        .collect();
    assert_eq!(believed.len(), there.len(), "{believed:?}\nis not\n{there:?}");
    for (id, entity) in &there {
        assert!(believed.get(id).is_some_and(|known| same(known, entity)), "{id:?} is not what was told");
    }
    assert!(watcher.size() <= there.len(), "it keeps more in mind than there is");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_ends_up_with_what_is_so(steps in steps(), tail in 1..40usize, all in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // A short tail makes a slow reader fall off it and begin again from a state.
        runtime.block_on(play(&steps, Limits { batches: tail, ..Limits::default() }, all));
    }
}

#[tokio::test]
async fn what_is_made_and_removed_between_two_reads_is_never_told() {
    let state = a_state_with(Limits::default()).await;
    let model = a_model(&state, "m").await;
    let mut watcher = AllWatcher::new(&state, model);
    let mut believed = HashMap::new();
    read(&mut watcher, &mut believed).await;
    for step in [Step::Add, Step::Kill(0)] {
        take(&state, model, &step).await;
    }
    assert!(!read(&mut watcher, &mut believed).await, "told of a machine that nobody saw");
    // Ten thousand changes of one machine are owed as one.
    take(&state, model, &Step::Add).await;
    for n in 0..1000u32 {
        take(&state, model, &Step::Says(0, (n % 3) as u8)).await;
    }
    let deltas = watcher.next().await.expect("the view is there").0;
    assert_eq!(deltas.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn that_an_agent_is_missed_and_is_back_is_told() {
    use crate::query::machine::Contact;
    use base::status::AgentStatus;
    use std::time::Duration;
    let state = a_state_with(Limits::default()).await;
    let model = a_model(&state, "m").await;
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let two = [machine::AddMachine::default(), machine::AddMachine::default()];
    state.change(|b, g| machine::add(b, model, &two, &base, g)).await.expect("added");
    let id = MachineId::top(0);
    let says =
        |agent: &mut crate::record::agent::Agent, given: crate::Given<'_>| agent.says(AgentStatus::Started, "", given);
    state.change(|b, g| crate::change::agent::set(b, model, &id, g, says)).await.expect("says so");
    let mut watcher = AllWatcher::new(&state, model);
    let present = state.presence().connected(model, id.clone());
    watcher.next().await.expect("all of it");
    let quiet = tokio::time::timeout(Duration::from_secs(3600), watcher.next()).await;
    assert!(quiet.is_err(), "nothing happened, and something was told");
    let told = async |watcher: &mut AllWatcher| {
        let next =
            tokio::time::timeout(Duration::from_secs(30), watcher.next()).await.expect("it is told").expect("there");
        let [(_, Delta::Change(Entity::Machine(whose, _, contact, _)))] = &next.0[..] else { panic!("{:?}", next.0) };
        assert_eq!(whose, &id);
        *contact
    };
    let before = tokio::time::Instant::now();
    present.leave();
    assert_eq!(told(&mut watcher).await, Contact::Lost);
    let after = before.elapsed();
    assert!(after > Duration::from_secs(10) && after < Duration::from_secs(12), "told after {after:?}");
    let present = state.presence().connected(model, id.clone());
    assert_eq!(told(&mut watcher).await, Contact::Kept);
    // One that is back in time was never away.
    present.leave();
    tokio::time::advance(Duration::from_secs(5)).await;
    let _present = state.presence().connected(model, id.clone());
    let quiet = tokio::time::timeout(Duration::from_secs(3600), watcher.next()).await;
    assert!(quiet.is_err(), "it was told of a reconnection");
}

#[tokio::test]
async fn of_all_models_those_that_come_and_go_are_told() {
    let state = a_state_with(Limits::default()).await;
    let mut watcher = AllWatcher::of_all_models(&state);
    let names = |deltas: Vec<(ModelUuid, Delta)>| -> Vec<String> {
        let name = |(_, delta): &(ModelUuid, Delta)| match delta {
            Delta::Change(Entity::Model(within)) => within.model.as_ref().map(|model| format!("+{}", model.name)),
            Delta::Remove(Entity::Model(within)) => within.model.as_ref().map(|model| format!("-{}", model.name)),
            _ => None,
        };
        deltas.iter().filter_map(name).collect()
    };
    assert_eq!(names(watcher.next().await.expect("there").0), ["+controller"]);
    let model = a_model(&state, "m").await;
    assert_eq!(names(watcher.next().await.expect("there").0), ["+m"]);
    let how = crate::change::model::DestroyModel { force: true, max_wait: None };
    state.change(|b, g| crate::change::model::destroy(b, model, how, g)).await.expect("dies");
    while !state.change(|b, g| crate::change::model::remove_some(b, model, g)).await.expect("goes") {}
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "-m") {
        told.extend(names(watcher.next().await.expect("there").0));
    }
}
