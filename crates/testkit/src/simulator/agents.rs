//! The agents' process of a simulator: plays the agent of every instance it hears of, until its standard input ends.

use std::collections::HashMap;
use std::process::ExitCode;

use tokio::task::JoinHandle;

use super::Line;
use crate::agents::SimAgent;

pub fn main() -> ExitCode {
    super::driver::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    runtime.block_on(play());
    ExitCode::SUCCESS
}

async fn play() {
    let mut lives: HashMap<String, JoinHandle<()>> = HashMap::new();
    let mut lines = super::input();
    while let Some(line) = lines.recv().await {
        match serde_json::from_str(&line) {
            Ok(Line::Started { name, config }) => {
                let agent = SimAgent::new(config);
                let life = tokio::spawn(async move {
                    agent.live().await;
                });
                lives.insert(name, life);
            }
            Ok(Line::Stopped { name }) => {
                if let Some(life) = lives.remove(&name) {
                    life.abort();
                }
            }
            Ok(Line::Serving { .. } | Line::Connected { .. }) | Err(_) => {}
        }
    }
}
