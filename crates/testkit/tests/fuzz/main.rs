//! Hostile input for everything that reads what somebody else wrote: each target is a function from bytes to nothing that asserts.
//! It must not know how inputs are made (`engine` does). The surprise: there is no fuzzing library below. The stable compiler puts the same
//! counters into code that libFuzzer reads (`cargo xtask fuzz` asks for them), and without them this is mutation of seeds with fixed dice,
//! a few thousand cases for each target, so that it can be a test like any other.
//!
//! Properties, here and in the engine: no panic, also in a task; bounded memory, time and stack; `parse(print(x)) == x`; an error is a sentence;
//! what is refused changes nothing.
#![allow(clippy::print_stderr, reason = "a long run says how it goes")]

mod agent;
mod archives;
mod calls;
mod door;
mod engine;
mod flags;
mod messages;
mod names;
mod port;
mod proofs;
mod records;
mod rig;
mod store_files;

/// A test for each target, under the target's name.
macro_rules! targets {
    ($($name:ident = $($target:ident)::+),* $(,)?) => {$(
        #[test]
        fn $name() {
            engine::run(stringify!($name), $($target)::+());
        }
    )*};
}

targets! {
    tags = names::tags,
    ids = names::ids,
    versions = names::versions,
    constraints = names::constraints,
    placement = names::placement,
    bases = names::bases,
    paths = names::paths,
    durations = flags::durations,
    sizes = flags::sizes,
    disks = flags::disks,
    lines = flags::lines,
    controllers_yaml = store_files::controllers,
    models_yaml = store_files::models,
    accounts_yaml = store_files::accounts,
    credentials_yaml = store_files::credentials,
    bootstrap_yaml = store_files::bootstrap,
    clouds_yaml = store_files::clouds,
    printed_yaml = store_files::printed,
    frames = messages::frames,
    to_agent = messages::to_agent,
    from_agent = messages::from_agent,
    agent_conf = agent::conf,
    journal = agent::journal,
    sftp = agent::sftp,
    instance_records = records::instances,
    network_records = records::networks,
    resolv_conf = records::resolv,
    archives = archives::archives,
    enrolment = door::enrolment,
    csr = door::csr,
    agent_stream = door::stream,
    calls = calls::calls,
    port = port::port,
    websocket = port::websocket,
    registration = proofs::registration,
    macaroons = proofs::macaroons,
    register = proofs::register,
    discharge = proofs::discharge,
}
