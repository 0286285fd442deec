//! What tasks write, shown while they write it (Grigri's own: the original shows all of it at the end).
//!
//! Must not know what is asked of the tasks. The surprise: nothing is held open. The controller is asked again and again with the
//! offsets that were shown, and answers when there is more: what was shown is not shown again after an interruption, and nothing is kept here
//! but begun lines.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;
use wire::facade::action::{Action, ActionResult};
use wire::facade::task_output::{MAX_PART, MOST_TASKS, ReadTask, ReadTasks, TaskOutput, TaskOutputs};

use super::result;
use super::wait::{self, Deadline};
use crate::context::{Api, Context};
use crate::error::{Error, Result};

mod lines;

use lines::Lines;

/// Between two questions: what comes meanwhile comes in one answer.
const FIRST: Duration = Duration::from_millis(20);
/// How long a controller may be away.
const AWAY: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_millis(500);
/// How long an answer may wait for news, where one question is enough for all tasks.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Follow {
    tasks: Vec<Followed>,
}

struct Followed {
    receiver: String,
    /// From where to read on.
    next: ReadTask,
    stdout: Lines,
    stderr: Lines,
    end: Option<ActionResult>,
}

/// Refuses controllers that cannot be followed.
pub(super) fn check(api: &Api) -> Result<()> {
    match api.connection.version("TaskOutput") {
        0 => Err(Error::failed(format!(
            "controller {:?} does not tell what tasks write before they end: --follow cannot work there",
            api.controller
        ))),
        _ => Ok(()),
    }
}

impl Follow {
    /// Lines bear their machine's name if there is more than one.
    pub(super) fn new(tasks: &[ActionResult]) -> Follow {
        let one = |task: &ActionResult| {
            let action = task.action.clone().unwrap_or_default();
            let name = result::target(&action.receiver).1;
            let prefix = (tasks.len() > 1).then_some(name.as_str());
            Followed {
                next: ReadTask { tag: action.tag, ..ReadTask::default() },
                receiver: action.receiver,
                stdout: Lines::new(prefix),
                stderr: Lines::new(prefix),
                end: None,
            }
        };
        Follow { tasks: tasks.iter().map(one).collect() }
    }

    /// Shows all that comes, to the end of the last task: stdout as a result, stderr on stderr. Gives how they ended, without output.
    pub(super) async fn until_the_end(
        &mut self,
        context: &mut Context,
        api: &Api,
        deadline: Deadline,
    ) -> Result<Vec<ActionResult>> {
        // The file of `-o` is there even if nothing is written.
        context.result_part(b"")?;
        let mut api = api.clone();
        let mut pause = FIRST;
        loop {
            let mut news = false;
            // What is full is asked for more at once.
            let mut more = false;
            let mut open: Vec<&mut Followed> = self.tasks.iter_mut().filter(|task| task.end.is_none()).collect();
            if open.is_empty() {
                return Ok(self.tasks.iter().filter_map(|task| task.end.clone()).collect());
            }
            let asked = Instant::now();
            let left = deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(asked).min(PATIENCE));
            let wait = if open.len() > MOST_TASKS { Duration::ZERO } else { left };
            for some in open.chunks_mut(MOST_TASKS) {
                let tasks = some.iter().map(|task| task.next.clone()).collect();
                let wanted = ReadTasks { tasks, wait: i64::try_from(wait.as_millis()).unwrap_or(0) };
                let answer: TaskOutputs = read(context, &mut api, &wanted, deadline).await?;
                if answer.results.len() != some.len() {
                    let text = format!("expected output of {} tasks, got {}", some.len(), answer.results.len());
                    return Err(Error::failed(text));
                }
                for (task, output) in some.iter_mut().zip(answer.results) {
                    let length = task.take(context, output)?;
                    news |= length > 0 || task.end.is_some();
                    more |= length >= MAX_PART;
                }
            }
            let waits = self.tasks.iter().any(|task| task.end.is_none());
            if waits && deadline.is_some_and(|d| Instant::now() >= d) {
                let missing = self.tasks.iter().filter(|task| task.end.is_none()).map(|task| task.receiver.as_str());
                return wait::timed_out(missing);
            }
            // Where the controller waited, nobody has to wait here.
            let waited = !wait.is_zero() && asked.elapsed() >= wait / 2;
            if !more && !waited {
                pause = if news { FIRST } else { pause.mul_f64(1.5).min(LONGEST) };
                context.sleep(pause).await;
            }
        }
    }
}

/// Asks for what came. A controller that is away for a while is waited for, and asked anew: the tasks go on without it.
async fn read(context: &mut Context, api: &mut Api, wanted: &ReadTasks, deadline: Deadline) -> Result<TaskOutputs> {
    let away = Instant::now() + AWAY;
    let until = deadline.map_or(away, |deadline| deadline.min(away));
    let mut told = false;
    loop {
        let error = match api.call("TaskOutput", "Read", wanted).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !error.is_passing() || Instant::now() >= until {
            return Err(error);
        }
        if !told {
            told = true;
            context.warn(format!("{error}; the tasks go on, waiting for controller {:?}", api.controller));
        }
        context.sleep(LONGEST).await;
        // Why it cannot be reached yet is told when its time is over.
        if let Ok(again) = context.model_api().await {
            *api = again;
        }
    }
}

impl Followed {
    fn action(&self) -> Action {
        Action { tag: self.next.tag.clone(), receiver: self.receiver.clone(), ..Action::default() }
    }

    /// Shows what came, and gives its length.
    fn take(&mut self, context: &mut Context, output: TaskOutput) -> Result<usize> {
        let decode = |text: &str| {
            STANDARD.decode(text).map_err(|_| Error::failed("the controller sent output that is no base64".to_owned()))
        };
        let (stdout, stderr) = (decode(&output.stdout)?, decode(&output.stderr)?);
        let length = stdout.len() + stderr.len();
        context.result_part(&self.stdout.take(&stdout))?;
        context.note_bytes(&self.stderr.take(&stderr));
        self.next.stdout += i64::try_from(stdout.len()).unwrap_or(i64::MAX);
        self.next.stderr += i64::try_from(stderr.len()).unwrap_or(i64::MAX);
        self.end = match (output.error, output.end) {
            (Some(error), _) => {
                Some(ActionResult { action: Some(self.action()), error: Some(error), ..Default::default() })
            }
            (None, end) => end,
        };
        if self.end.is_some() {
            context.result_part(&self.stdout.rest())?;
            context.note_bytes(&self.stderr.rest());
        }
        Ok(length)
    }
}
