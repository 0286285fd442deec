//! Commands on machines as their user sees them: followed, interrupted, cancelled, cut, and wrong in every way.

use std::time::Duration;

use base::TaskId;
use base::status::TaskStatus;
use cli::Io;
use cli::io::Captured;
use model::record::task::Task;
use tokio::sync::Notify;

use super::Desk;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.replace('|', " ")).collect()
}

/// Somebody at a terminal who will type this.
fn types(text: &'static str) -> impl FnOnce(&mut Io) {
    move |io| {
        io.stdin_is_terminal = true;
        io.stdin = Box::new(std::io::Cursor::new(text.as_bytes()));
    }
}

/// Waits until it was said so often on stdout.
async fn said(captured: &Captured, what: &str, times: usize) {
    let wait = async {
        while captured.stdout().matches(what).count() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(in_time.is_ok(), "never said {what}: {}{}", captured.stdout(), captured.stderr());
}

impl Desk {
    fn task(&self, id: u64) -> Task {
        let read = self.controller.state().read();
        let tasks = read.models.values().find_map(|model| model.tasks.get(&TaskId(id)));
        tasks.unwrap_or_else(|| panic!("no task {id}")).to_record()
    }

    async fn until_status(&self, id: u64, status: TaskStatus) {
        let is = |beliefs: &model::Beliefs| {
            beliefs.models.values().filter_map(|model| model.tasks.get(&TaskId(id))).any(|task| task.status == status)
        };
        self.controller.until(&format!("task {id} is {status}"), is).await;
    }
}

#[tokio::test]
async fn what_runs_is_seen_and_ctrl_c_cancels_it() {
    let desk = Desk::with_machines(2).await;
    let user = async |captured: &Captured, interrupt: &Notify| {
        // It is seen while it runs.
        said(captured, "begun", 2).await;
        interrupt.notify_one();
    };
    let line = words("juju exec --all --follow hang");
    let (code, out, err) = desk.run_with(line, types("y\n"), user).await;
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!((code, lines.as_slice()), (130, ["0: begun", "1: begun"].as_slice()), "{err}");
    assert!(err.starts_with("\nCancel operation 1 where it runs [y/N]? "), "{err}");
    assert!(err.ends_with("ERROR interrupted: operation 1 was cancelled\n"), "{err}");
    assert_eq!([desk.task(2).status, desk.task(3).status], [TaskStatus::Aborted; 2]);

    // Without --follow, too; and what came of it is printed.
    let interrupted = async |desk: &Desk, task: u64, interrupt: &Notify| {
        desk.until_status(task, TaskStatus::Running).await;
        interrupt.notify_one();
    };
    let line = words("juju exec --machine 0 hang");
    let (code, out, err) = desk.run_with(line, types("yes\n"), async |_, i| interrupted(&desk, 5, i).await).await;
    assert_eq!((code, out.as_str(), desk.task(5).status), (130, "begun\n", TaskStatus::Aborted), "{err}");
    assert!(err.contains("WARNING task 5 on 0 aborted: command cancelled\n"), "{err}");

    // Nobody cancels by mistake: no answer, another answer, or nobody to ask.
    for (task, change) in [(7, types("n\n")), (9, types("")), (11, types("cancel\n"))] {
        let line = words("juju exec --machine 0 hang");
        let (code, out, err) = desk.run_with(line, change, async |_, i| interrupted(&desk, task, i).await).await;
        assert_eq!((code, out.as_str(), desk.task(task).status), (130, "", TaskStatus::Running), "{err}");
        assert!(err.contains(&format!("'juju cancel-task {task}' cancels it")), "{err}");
    }
    let line = words("juju exec --machine 0 --format yaml hang");
    let (code, _, err) = desk.run_with(line, |_| {}, async |_, i| interrupted(&desk, 13, i).await).await;
    assert_eq!((code, desk.task(13).status), (130, TaskStatus::Running));
    assert!(err.starts_with("ERROR interrupted: operation 12 goes on\n"), "{err}");

    // Ctrl-C at the question is no answer.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let user = async |captured: &Captured, interrupt: &Notify| {
        interrupted(&desk, 15, interrupt).await;
        while !captured.stderr().contains("[y/N]") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        interrupt.notify_one();
    };
    let change = |io: &mut Io| {
        io.stdin_is_terminal = true;
        io.stdin = Box::new(reader);
    };
    let (code, ..) = desk.run_with(words("juju exec --machine 0 hang"), change, user).await;
    assert_eq!((code, desk.task(15).status), (130, TaskStatus::Running));
    drop(writer);

    // One by one, half of them wrong.
    let (code, out, err) = desk.run("juju cancel-task 7 99 9 5").await;
    assert_eq!(code, 0, "{err}");
    for told in
        ["id: \"7\"\n  status: aborting", "error: task 99 not found\n  id: \"99\"", "id: \"5\"\n  status: aborted"]
    {
        assert!(out.contains(told), "{told} not in {out}");
    }
    desk.until_status(7, TaskStatus::Aborted).await;
    assert_eq!(desk.task(11).status, TaskStatus::Running, "nobody spoke of it");
    let (code, _, err) = desk.run("juju cancel-task 7 x").await;
    assert_eq!((code, err.as_str()), (1, "ERROR task ID \"x\" not valid\n"));
}

#[tokio::test]
async fn a_followed_command_tells_how_it_ended() {
    let desk = Desk::with_machines(2).await;
    let (code, out, err) = desk.run("juju exec --machine 0 --follow echo hello").await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "hello\n", ""), "one machine needs no name");
    let (code, out, err) = desk.run("juju exec --machine 0,1,77 --follow fail 3").await;
    let told = "ERROR the following tasks failed:\n - id \"4\" with return code 3\n - id \"5\" with return code 3\n\n\
                use 'juju show-task' to inspect the failures\n\n";
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(
        err.starts_with("Some actions could not be scheduled:\nmachine 77 not found\n\n") && err.ends_with(told),
        "{err}"
    );
    assert!(err.contains("0: failed\n") && err.contains("1: failed\n"), "stderr is on stderr: {err}");
    // To a file, be it empty.
    desk.works("juju exec --machine 0 --follow -o kept echo|hello").await;
    let kept = desk.folder.path().join("kept");
    assert_eq!(std::fs::read_to_string(&kept).expect("written"), "hello\n");
    let (code, out, _) = desk.run("juju exec --machine 0 --follow -o kept fail").await;
    assert_eq!((code, out.as_str(), std::fs::read(&kept).expect("there")), (1, "", Vec::new()));
    let (code, _, err) = desk.run("juju exec --machine 0 --follow -o no/such/folder echo|hello").await;
    assert_eq!((code, err.as_str()), (1, "ERROR open no/such/folder: no such file or directory\n"));
    // What is over the bound is told, in either way.
    for follow in ["", "--follow "] {
        let (code, out, err) = desk.run(&format!("juju exec --machine 0 {follow}flood 3000000")).await;
        assert_eq!((code, out.trim_end().len()), (0, 1 << 20), "{err}");
        let cut = "is cut: 1951424 bytes more were not kept\n";
        assert!(err.starts_with("WARNING output of task ") && err.ends_with(cut), "{err}");
    }
    // A deadline of its own.
    let (code, _, err) = desk.run("juju exec --machine 1 --follow --wait 100ms hang").await;
    assert_eq!((code, err.as_str()), (1, "ERROR timed out waiting for results from: machine 1\n"));
    // One that is cancelled elsewhere did not end well.
    let elsewhere = async |task: u64| {
        desk.until_status(task, TaskStatus::Running).await;
        desk.works(&format!("juju cancel-task {task}")).await;
    };
    let id = last(&desk) + 2;
    let line = words("juju exec --machine 0 --follow hang");
    let (code, out, err) = desk.run_with(line, |_| {}, async |_, _| elsewhere(id).await).await;
    assert_eq!((code, out.as_str()), (1, "begun\n"));
    assert!(err.contains(&format!(" - id \"{id}\" aborted: command cancelled\n")), "{err}");
    let id = last(&desk) + 2;
    let line = words("juju exec --machine 0 hang");
    let (code, out, err) = desk.run_with(line, |_| {}, async |_, _| elsewhere(id).await).await;
    assert_eq!((code, out.as_str()), (0, "begun\n"), "as the original");
    assert_eq!(err, format!("WARNING task {id} on 0 aborted: command cancelled\n"));
}

/// The last number given out.
fn last(desk: &Desk) -> u64 {
    let read = desk.controller.state().read();
    read.models.values().flat_map(|model| model.tasks.keys()).map(|id| id.0).max().unwrap_or(0)
}

#[tokio::test]
async fn a_task_is_shown_while_it_runs() {
    let desk = Desk::with_machines(1).await;
    desk.works("juju exec --machine 0 echo hello").await;
    desk.works("juju exec --machine 0 --background hang").await;
    let (code, out, err) = desk.run("juju show-task 2 --follow").await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "hello\n", ""));
    let user = async |captured: &Captured, _: &Notify| {
        said(captured, "begun", 1).await;
        desk.works("juju cancel-task 4").await;
    };
    let terminal = |io: &mut Io| io.stdout_is_terminal = true;
    let (code, out, err) = desk.run_with(words("juju show-task 4 --watch"), terminal, user).await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "begun\n", "Task 4 aborted: command cancelled\n"));
    // Elsewhere it is the original's.
    let (code, out, err) = desk.run("juju show-task 4 --watch").await;
    assert_eq!((code, out.as_str(), err.as_str()), (0, "\nbegun\n", ""));
    for (line, told) in [
        ("juju show-task 99 --follow", "action \"99\" not found"),
        ("juju show-task x --follow", "task ID \"x\" not valid"),
        ("juju show-task 2 --follow --format json", "cannot specify both --follow and --format json"),
        ("juju show-task 2 --watch --wait 1s", "specify either --watch or --wait but not both"),
    ] {
        let (code, _, err) = desk.run(line).await;
        assert!(code > 0 && err == format!("ERROR {told}\n"), "{line}: {err}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_what_the_machine_gets() {
    let desk = Desk::with_machines(1).await;
    for (flags, parallel, group, timeout) in [
        ("", true, "", 300_000_000_000),
        ("--parallel --wait 10s", true, "", 10_000_000_000),
        ("--parallel=false", false, "", 300_000_000_000),
        ("--execution-group g1", true, "g1", 300_000_000_000),
        // Over before it began, if it were sent as the original does.
        ("--wait -1s", true, "", 0),
    ] {
        desk.works(&format!("juju exec --machine 0 {flags} echo hello")).await;
        let task = desk.task(last(&desk));
        let seen = (task.parallel, task.execution_group.as_str(), task.timeout);
        assert_eq!(seen, (parallel, group, timeout), "{flags}");
    }
    for (flags, told) in [
        ("--background --wait 1s", "cannot specify both --wait and --background"),
        ("--background --follow", "cannot specify both --follow and --background"),
        ("--follow --format yaml", "cannot specify both --follow and --format yaml"),
        ("--all", "You cannot specify --all and individual machines"),
        (
            "--parallel=perhaps",
            "invalid value \"perhaps\" for option --parallel: strconv.ParseBool: parsing \"perhaps\": invalid syntax",
        ),
    ] {
        let (code, out, err) = desk.run(&format!("juju exec --machine 0 {flags} echo hello")).await;
        assert_eq!((code, out.as_str(), err), (2, "", format!("ERROR {told}\n")), "{flags}");
    }
}

#[tokio::test]
async fn ten_thousand_arguments_and_more_than_a_command_holds() {
    let desk = Desk::with_machines(1).await;
    let line = |count: usize| {
        let mut line = words("juju exec --machine 0 -- echo");
        line.extend((0..count).map(|n| format!("argument{n}")));
        line
    };
    let (code, out, err) = desk.run_with(line(10_000), |_| {}, async |_, _| {}).await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("argument0 argument1 ") && out.ends_with(" argument9999\n"));
    let (code, out, err) = desk.run_with(line(20_000), |_| {}, async |_, _| {}).await;
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", "ERROR command is longer than 131072 bytes\n"));
}

#[tokio::test]
async fn an_answer_that_could_not_hold_all_output_says_so() {
    let desk = Desk::with_machines(1).await;
    let many = vec!["0"; 17].join(",");
    desk.works(&format!("juju exec --machine {many} flood 1048576")).await;
    let (code, out, err) = desk.run("juju show-operation 1").await;
    assert_eq!((code, out.len() > 16 << 20), (0, true), "{err}");
    let cut = "is cut: 1048576 bytes more did not fit into the answer, 'juju show-task 18' has them\n";
    assert!(err.starts_with("WARNING output of task 18 on 0 ") && err.ends_with(cut), "{err}");
    assert_eq!(desk.works("juju show-task 18").await.trim().len(), 1 << 20);
}
