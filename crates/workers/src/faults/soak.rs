//! A thousand random wishes with faults of every kind and a controller that is killed in the midst of them: whatever happens, nothing hangs, what is
//! left over is found, and whatever waits says for what.
//! The surprise: a forced removal may leave an instance, since it ends in its time whatever the cloud says. Such a one must be found as a leak, and
//! nothing else may be one.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use base::status::{AgentStatus, InstanceStatus, ModelStatus};
use base::{Life, MachineId, ModelUuid, OsBase};
use cloud::fake::{Call, Fault};
use cloud::{Cloud, Error, InstanceId};
use model::beliefs::{Beliefs, InModel};
use model::change::{machine, model as model_change};
use model::query::leaks::{Marks, Views};
use model::query::why::{Seen, why};
use model::record::machine::Machine;
use store::faulty::Break;
use tokio::time::Instant;

use super::bed::{Bed, CONTROLLER};
use super::dice::Dice;

/// Each begins with nothing, and ends so. More of them: `SOAK_STORIES`.
const STORIES: u64 = 20;
const WISHES: usize = 50;
/// Between two wishes.
const LOOKS: u32 = 9;
/// A model whose end takes long says so after ten seconds; a few kills and refused commits may be in the midst of them.
const SAID_BY: Duration = Duration::from_secs(100);

struct Soak {
    bed: Bed,
    dice: Dice,
    /// All that was wished for, for whoever reads of a failure.
    wishes: Vec<String>,
    /// Of these an instance may be left.
    forced: HashSet<(ModelUuid, String)>,
    forced_models: HashSet<ModelUuid>,
    /// When a dying model was first seen without machines and without a word.
    silent: std::collections::HashMap<ModelUuid, Instant>,
    made: u32,
}

impl Soak {
    async fn new(seed: u64) -> Soak {
        Soak {
            bed: Bed::seeded(seed).await,
            dice: Dice::new(seed),
            wishes: vec![format!("seed {seed}")],
            forced: HashSet::new(),
            forced_models: HashSet::new(),
            silent: std::collections::HashMap::new(),
            made: 0,
        }
    }

    /// Models of the user's, the living ones first.
    fn models(&self, life: Option<Life>) -> Vec<ModelUuid> {
        let read = self.bed.user.read();
        let own = read.controller.as_ref().map(|controller| controller.model_uuid);
        let all = read.models().filter(|(_, one)| Some(one.uuid) != own && life.is_none_or(|life| one.life == life));
        all.map(|(_, one)| one.uuid).collect()
    }

    fn machines(&self) -> Vec<(ModelUuid, MachineId)> {
        let read = self.bed.user.read();
        let mut all = Vec::new();
        for model in self.models(None) {
            let ids = read.models[&model].machines().filter(|(.., one)| !one.is_controller());
            all.extend(ids.map(|(id, ..)| (model, id.clone())));
        }
        all
    }

    /// Where the next machines of a model go: mostly anywhere, some inside others.
    fn place(&self, model: ModelUuid) -> machine::Where {
        let all = self.machines();
        let hosts: Vec<MachineId> =
            all.into_iter().filter(|(of, id)| *of == model && id.parent().is_none()).map(|(_, id)| id).collect();
        match (self.dice.roll(4), self.dice.one_of(&hosts)) {
            (0, _) => machine::Where::InNew("lxd".into()),
            (1, Some(host)) => machine::Where::On("lxd".into(), host),
            _ => machine::Where::Anywhere,
        }
    }

    fn fault(&self) -> Fault {
        match self.dice.roll(8) {
            0 => Fault::transient(),
            1 => Fault::throttled(Duration::from_secs(7)),
            2 => Fault::permanent(),
            3 => Fault::FailAfter(Error::transient("connection reset")),
            4 => Fault::Late(Duration::from_secs(40)),
            5 => Fault::Hang,
            6 => Fault::HangAfter,
            _ => Fault::Print("it began\n".into(), Error::transient("it ended at once")),
        }
    }

    /// One wish, or one blow. Who is refused was late, which is no fault.
    async fn wish(&mut self) {
        let (model, machine) = (self.models(Some(Life::Alive)), self.machines());
        let (model, machine) = (self.dice.one_of(&model), self.dice.one_of(&machine));
        let user = self.bed.user.clone();
        let said = match (self.dice.roll(16), model, machine) {
            (0, ..) | (_, None, _) if self.models(None).len() < 4 => {
                self.made += 1;
                let model = self.bed.add_model(&format!("m{}", self.made)).await;
                format!("add-model {model}")
            }
            (1..=4, Some(model), _) => {
                let base = OsBase::parse("ubuntu@24.04").expect("valid");
                let one = machine::AddMachine { place: self.place(model), ..Default::default() };
                let all = vec![one; 1 + self.dice.roll(3)];
                let added = user.change(|b, g| machine::add(b, model, &all, &base, g)).await;
                format!("add-machine -n {} to {model}, {:?}: {}", all.len(), all[0].place, added.is_ok())
            }
            (n @ 5..=7, _, Some((model, id))) => {
                let how = machine::Destroy { force: n == 6, keep_instance: n == 7, ..Default::default() };
                if how.force {
                    let with_it = self.machines().into_iter().map(|(_, one)| one);
                    let with_it = with_it.filter(|one| *one == id || one.parent().as_ref() == Some(&id));
                    self.forced.extend(with_it.map(|one| (model, one.to_string())));
                }
                let done = user.change(|b, g| machine::destroy(b, model, &id, how, g)).await;
                format!("remove-machine {id} of {model}, {}: {}", ["plain", "forced", "kept"][n - 5], done.is_ok())
            }
            (8, Some(model), _) => {
                let force = self.dice.roll(2) == 0;
                if force {
                    self.forced_models.insert(model);
                }
                let how = model_change::DestroyModel { force, max_wait: None };
                let done = user.change(|b, g| model_change::destroy(b, model, how, g)).await;
                format!("destroy-model {model}, forced: {force}: {}", done.is_ok())
            }
            (9..=11, ..) => {
                let calls = [
                    Call::Start,
                    Call::Start,
                    Call::Stop,
                    Call::Stop,
                    Call::PrepareModel,
                    Call::Instances,
                    Call::DestroyModel,
                    Call::Release,
                ];
                let (call, fault) = (calls[self.dice.roll(calls.len())], self.fault());
                let is_lasting = self.dice.roll(4) == 0;
                match is_lasting {
                    true => self.bed.cloud.always(call, None, fault.clone()),
                    false => self.bed.cloud.next(call, fault.clone()),
                }
                format!("{} {call:?}: {fault:?}", if is_lasting { "each" } else { "the-next" })
            }
            (12, ..) => {
                let how = [Break::Refuse, Break::Lose, Break::DieBefore, Break::DieAfter][self.dice.roll(4)].clone();
                let n = self.dice.roll(4);
                let said = format!("commit {n} from now: {how:?}");
                self.bed.faulty.nth(n, how);
                said
            }
            (13, ..) => {
                self.bed.faulty.die();
                "kill -9".to_owned()
            }
            (14, _, Some((model, id))) => {
                let read = user.read();
                let whole = read.models.get(&model).and_then(|within| within.machines.get(&id)).cloned();
                let instance = whole.and_then(|whole| Some(whole.instance.as_ref()?.instance_id.clone()));
                if let Some(instance) = instance.clone() {
                    self.bed.cloud.vanish(&InstanceId(instance));
                }
                format!("instance {instance:?} vanishes")
            }
            (15, ..) if self.dice.roll(2) == 0 => {
                self.bed.cloud.heal();
                "heals".to_owned()
            }
            _ => {
                let some = self.machines();
                for (model, id) in some {
                    let retried =
                        user.change(|b, g| machine::retry(b, model, std::slice::from_ref(&id), false, g)).await;
                    drop(retried);
                }
                "retry-provisioning --all".to_owned()
            }
        };
        self.wishes.push(said);
        let pause = Duration::from_millis([0, 10, 400, 3_000, 45_000, 150_000][self.dice.roll(6)]);
        for _ in 0..LOOKS {
            tokio::time::sleep(pause / LOOKS).await;
            self.look();
        }
    }

    fn fail(&self, why: &str) -> ! {
        panic!("{why}\nafter:\n{}", self.wishes.join("\n"))
    }

    /// Whatever is not settled says what it waits for.
    fn look(&mut self) {
        let read = self.bed.user.read();
        let presence = self.bed.user.presence().clone();
        for (within, model) in read.models() {
            let seen = Seen { model: model.uuid, presence: &presence, now: self.bed.now() };
            for (id, _, machine) in within.machines() {
                let waits = why(within, seen, id).map(|chain| !chain.is_empty()).unwrap_or_default();
                if !waits && !is_settled(within, id, machine) {
                    self.fail(&format!("machine {id} of model {} waits and says nothing of it", model.name));
                }
            }
            let is_silent = model.life != Life::Alive
                && within.machines().next().is_none()
                && (model.status.message.is_empty() || model.status.current != ModelStatus::Destroying);
            match is_silent {
                false => drop(self.silent.remove(&model.uuid)),
                true if self.silent.entry(model.uuid).or_insert_with(Instant::now).elapsed() > SAID_BY => {
                    self.fail(&format!("model {} does not end and does not say why: {:?}", model.name, model.status))
                }
                true => {}
            }
        }
    }

    /// What the cloud has that no record stands for.
    async fn strays(&self) -> (Vec<(ModelUuid, String, InstanceId)>, Vec<cloud::Thing>) {
        let before = self.bed.user.read();
        let instances = self.bed.cloud.instances(CONTROLLER).await.expect("healed");
        let things = self.bed.cloud.things(CONTROLLER).await.expect("healed");
        let now = self.bed.user.read();
        let views = Views { before: &before, now: &now };
        let instances = instances
            .into_iter()
            .filter(|one| views.is_stray(Marks { model: &one.model, instance: Some((&one.machine, &one.id.0)) }));
        let instances = instances.map(|one| (one.model.parse().expect("ours"), one.machine, one.id));
        let things = things.into_iter().filter(|one| views.is_stray(Marks { model: &one.model, instance: None }));
        (instances.collect(), things.collect())
    }

    /// All goes well from here: everything comes to its end, and everything that the cloud has is accounted for.
    async fn settles(&mut self) {
        self.bed.cloud.heal();
        let began = Instant::now();
        loop {
            self.look();
            let read = self.bed.user.read();
            let busy: Vec<String> =
                busy(&read, read.controller.as_ref().map(|controller| controller.model_uuid)).collect();
            if busy.is_empty() {
                break;
            }
            if began.elapsed() > Duration::from_secs(4 * 3600) {
                self.fail(&format!("it never ends: {busy:?}"));
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let (instances, things) = self.strays().await;
        for (model, machine, id) in instances {
            let may = self.forced_models.contains(&model) || self.forced.contains(&(model, machine.clone()));
            if !may {
                self.fail(&format!("instance {id} is left, and nobody forced machine {machine} of {model} away"));
            }
            self.bed.cloud.stop_instance(CONTROLLER, &id).await.expect("healed");
        }
        for thing in things {
            let model: ModelUuid = thing.model.parse().expect("ours");
            if !self.forced_models.contains(&model) {
                self.fail(&format!("{} {} is left, and nobody forced model {model} away", thing.kind, thing.id));
            }
            self.bed.cloud.remove_thing(CONTROLLER, &thing).await.expect("healed");
        }
        let (instances, things) = self.strays().await;
        assert!(instances.is_empty() && things.is_empty(), "what was removed is gone");
    }

    /// All models go, by nobody's force.
    async fn ends(&mut self) {
        for model in self.models(Some(Life::Alive)) {
            self.bed.destroy_model(model).await;
        }
        self.settles().await;
        assert_eq!(self.models(None), Vec::<ModelUuid>::new());
        let left = self.bed.cloud.objects();
        if !left.is_empty() {
            self.fail(&format!("left over in the cloud: {left:?}"));
        }
    }
}

/// It runs, or a user must act; nothing goes on by itself.
fn is_settled(within: &InModel, id: &MachineId, machine: &Machine) -> bool {
    let Some(whole) = within.machines.get(id) else { return true };
    let agent = whole.agent.as_ref().map(|agent| agent.status.current);
    let runs = whole.instance.as_ref().is_some_and(|one| one.status.current == InstanceStatus::Running);
    machine.is_controller() || machine.life == Life::Alive && runs && agent == Some(AgentStatus::Started)
}

/// Whether it is to be inside a machine that did not start for good.
fn host_failed(within: &InModel, id: &MachineId) -> bool {
    let host = id.parent().and_then(|host| within.machines.get(&host)?.instance.clone());
    host.is_some_and(|host| host.status.current == InstanceStatus::ProvisioningError)
}

/// What still goes on: everything but what runs, what failed for good and what was lost.
fn busy<'a>(read: &'a Beliefs, own: Option<ModelUuid>) -> impl Iterator<Item = String> + 'a {
    read.models().flat_map(move |(within, model)| {
        let machines = within.machines().filter(|(id, whole, machine)| {
            let status = whole.instance.as_ref().map(|one| one.status.current);
            let rests = machine.life == Life::Alive
                && (matches!(status, Some(InstanceStatus::ProvisioningError | InstanceStatus::Unknown))
                    || status == Some(InstanceStatus::Pending) && host_failed(within, id));
            !is_settled(within, id, machine) && !rests
        });
        let machines: Vec<String> = machines.map(|(id, ..)| format!("machine {id} of {}", model.name)).collect();
        let ends = (model.life != Life::Alive && Some(model.uuid) != own).then(|| format!("model {}", model.name));
        machines.into_iter().chain(ends)
    })
}

#[tokio::test(start_paused = true)]
async fn a_thousand_random_wishes_leave_nothing_and_hang_nowhere() {
    let mut seen = BTreeSet::new();
    let stories = std::env::var("SOAK_STORIES").map_or(STORIES, |n| n.parse().expect("a number"));
    for seed in 0..stories {
        let mut soak = Soak::new(seed).await;
        for _ in 0..WISHES {
            soak.wish().await;
        }
        soak.settles().await;
        soak.ends().await;
        seen.extend(soak.wishes.iter().filter_map(|said| said.split([' ', ':']).next().map(str::to_owned)));
    }
    assert_eq!(seen.len(), 12, "every kind of wish and blow was tried: {seen:?}");
}
