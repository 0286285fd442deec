//! The engine finds what it is there to find: a check that cannot fail would be worse than none.

use std::time::Duration;

use super::{Run, Target, sentence};
use crate::engine::corpus::Corpus;
use crate::engine::dice::Dice;
use crate::engine::guard::Guard;

fn attempt(target: Target, input: &[u8]) -> Result<(), String> {
    run(target).attempt(input)
}

fn run(target: Target) -> Run {
    // No target of that name: nothing of it is written into the repository.
    let name = format!("engine-{:?}", std::thread::current().id());
    Run { corpus: Corpus::open(&name), guard: Guard::start(&name), target, dice: Dice::new(1), tried: 0 }
}

#[test]
fn a_panic_is_found_also_in_a_task() {
    let good = Target::new(|input| assert_eq!(input, b"x"));
    assert_eq!(attempt(good, b"x"), Ok(()));
    let bad = attempt(Target::new(|input| assert!(input != b"x", "words")), b"x");
    assert!(bad.as_ref().is_err_and(|why| why.contains("words")), "{bad:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let hidden = attempt(
        Target::new(move |_| {
            let task = async { panic!("in a task") };
            let ended = runtime.block_on(async { tokio::spawn(task).await });
            assert!(ended.is_err());
        }),
        b"x",
    );
    assert!(hidden.as_ref().is_err_and(|why| why.contains("in a task")), "{hidden:?}");
}

#[test]
fn too_much_memory_is_found() {
    let hold = |bytes: usize| attempt(Target::new(move |_| drop(std::hint::black_box(vec![1u8; bytes]))), b"");
    assert_eq!(hold(1 << 20), Ok(()));
    let bad = hold(super::MEMORY + 1);
    assert!(bad.as_ref().is_err_and(|why| why.starts_with("held ")), "{bad:?}");
}

#[test]
fn too_much_time_is_found_but_not_waiting() {
    let most = Duration::from_millis(50);
    let work = Target::new(|_| {
        let begin = super::guard::processor_time();
        while super::guard::processor_time() - begin < Duration::from_millis(100) {}
    });
    let bad = attempt(Target { time: most, ..work }, b"");
    assert!(bad.as_ref().is_err_and(|why| why.starts_with("took ")), "{bad:?}");
    let wait = Target::new(|_| std::thread::park_timeout(Duration::from_millis(200)));
    assert_eq!(attempt(Target { time: most, ..wait }, b""), Ok(()));
}

#[test]
fn what_fails_is_made_short() {
    let mut run = run(Target::new(|input| assert!(!input.contains(&b'!'))));
    let input = [b"a".repeat(900), b"!".to_vec(), b"b".repeat(70)].concat();
    let why = run.attempt(&input).expect_err("it fails");
    assert_eq!(run.shorten(input, why).0, b"!");
}

#[test]
fn what_is_no_sentence_is_found() {
    for bad in ["", " ", "a\nb", "\u{1b}[31m", "ParseError { at: 3 }", &"x".repeat(500)] {
        assert!(std::panic::catch_unwind(|| sentence(bad, b"x")).is_err(), "{bad:?}");
    }
    sentence("invalid version \"x\"", b"x");
}
