//! Runs a target: seeds first, then what dice make of them; says of a failure what the input was and how to have it again.
//! It must not know any target. The surprise: the input that is being tried always lies in a file, because a stack that overflows or memory
//! that ends takes the process with it, and no destructor would say of what it died.
//!
//! | variable | what for |
//! |---|---|
//! | `GRIGRI_FUZZ_SECONDS` | run so long instead of the fixed number of cases, with fresh dice |
//! | `GRIGRI_FUZZ_FILE` | try this file alone |

mod corpus;
pub mod coverage;
pub mod dice;
mod guard;
mod memory;
mod mutate;
mod tests;

use std::time::{Duration, Instant};

use corpus::Corpus;
use dice::Dice;
use guard::Guard;

/// An input may be so long.
const LONGEST: usize = 16 << 10;
/// What one case may hold at once beyond what was there before.
const MEMORY: usize = 48 << 20;
/// What one case may take, in a debug build.
const TIME: Duration = Duration::from_millis(1500);
/// A failing input is made shorter for so long.
const SHORTENING: Duration = Duration::from_secs(5);

type Check = Box<dyn FnMut(&[u8])>;

pub struct Target {
    /// Panics when a property does not hold.
    check: Check,
    /// What one case may take of a processor.
    time: Duration,
    /// Cases of a bounded run.
    cases: u32,
    /// What inputs of this kind are made of.
    words: &'static [&'static str],
    json: bool,
    make: Option<fn(&mut Dice) -> Vec<u8>>,
}

impl Target {
    pub fn new(check: impl FnMut(&[u8]) + 'static) -> Target {
        Target { check: Box::new(check), time: TIME, cases: 1500, words: &[], json: false, make: None }
    }

    /// Inputs are texts.
    pub fn of_text(mut check: impl FnMut(&str) + 'static) -> Target {
        Target::new(move |input| check(&String::from_utf8_lossy(input)))
    }

    pub fn cases(self, cases: u32) -> Target {
        Target { cases, ..self }
    }

    pub fn words(self, words: &'static [&'static str]) -> Target {
        Target { words, ..self }
    }

    /// Inputs are JSON: they are changed as such, too.
    pub fn json(self) -> Target {
        Target { json: true, ..self }
    }

    /// Inputs made from nothing, beside those made of seeds.
    pub fn make(self, make: fn(&mut Dice) -> Vec<u8>) -> Target {
        Target { make: Some(make), ..self }
    }
}

/// Runs a target as the environment says; panics with a report when a property does not hold.
pub fn run(name: &str, target: Target) {
    let seconds = std::env::var("GRIGRI_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let mut run =
        Run { corpus: Corpus::open(name), guard: Guard::start(name), target, dice: Dice::new(fixed(name)), tried: 0 };
    if let Some(file) = std::env::var_os("GRIGRI_FUZZ_FILE") {
        let input = std::fs::read(&file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
        match run.attempt(&input) {
            Ok(()) => return eprintln!("{name}: {} passes", file.display()),
            Err(why) => panic!("{name}: {why}\n  input: {}", corpus::shown(&input)),
        }
    }
    assert!(!run.corpus.seeds().is_empty(), "{name}: no seeds in {}", run.corpus.folder().display());
    run.seeds();
    match seconds {
        None => (0..run.target.cases).for_each(|_| run.one()),
        Some(seconds) => run.long(Duration::from_secs(seconds)),
    }
}

/// The same dice for each bounded run of a target.
fn fixed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

struct Run {
    corpus: Corpus,
    guard: Guard,
    target: Target,
    dice: Dice,
    tried: u64,
}

impl Run {
    fn seeds(&mut self) {
        for at in 0..self.corpus.seeds().len() {
            let seed = self.corpus.seeds()[at].clone();
            self.case(&seed);
        }
        coverage::is_new();
    }

    fn long(&mut self, time: Duration) {
        self.dice = Dice::fresh();
        let learned = if coverage::there() { self.corpus.learned() } else { Vec::new() };
        for input in learned {
            self.case(&input);
            if coverage::is_new() {
                self.corpus.add(input);
            }
        }
        let (begin, before) = (Instant::now(), self.tried);
        while begin.elapsed() < time {
            self.one();
        }
        let rate = (self.tried - before) as f64 / begin.elapsed().as_secs_f64();
        let guided = match coverage::there() {
            true => format!("{} edges, {} inputs kept", coverage::edges(), self.corpus.seeds().len()),
            false => "not guided by coverage".to_owned(),
        };
        eprintln!("{:<18} {:>9} cases, {rate:>7.0} a second, {guided}", self.corpus.name(), self.tried);
    }

    fn one(&mut self) {
        let made = self.target.make.filter(|_| self.dice.one_in(4)).map(|make| make(&mut self.dice));
        let start = made.unwrap_or_else(|| self.dice.pick(self.corpus.seeds()).clone());
        let mut input = mutate::change(start, &self.corpus, &self.target, &mut self.dice);
        input.truncate(LONGEST);
        self.case(&input);
        if coverage::is_new() {
            self.corpus.learn(input);
        }
    }

    fn case(&mut self, input: &[u8]) {
        self.tried += 1;
        if let Err(why) = self.attempt(input) {
            let (input, why) = self.shorten(input.to_vec(), why);
            let file = self.corpus.keep_crash(&input);
            let name = self.corpus.name();
            panic!(
                "{name}: {why}\n  input: {}\n  kept in {file}\n  again:  cargo xtask fuzz {name} --replay {file}\n  \
                 when it is mended, move the file one folder up: it is a seed then",
                corpus::shown(&input),
                file = file.display()
            );
        }
    }

    /// The shortest input that fails, whatever it fails with.
    fn shorten(&mut self, mut input: Vec<u8>, mut why: String) -> (Vec<u8>, String) {
        let begin = Instant::now();
        let mut step = input.len().div_ceil(2);
        while step > 0 {
            let mut at = 0;
            while at < input.len() {
                if begin.elapsed() > SHORTENING {
                    return (input, why);
                }
                let mut shorter = input.clone();
                shorter.drain(at..(at + step).min(input.len()));
                match self.attempt(&shorter) {
                    Err(other) => (input, why) = (shorter, other),
                    Ok(()) => at += step,
                }
            }
            step /= 2;
        }
        (input, why)
    }

    /// Tries one input.
    fn attempt(&mut self, input: &[u8]) -> Result<(), String> {
        let took = self.guarded(input)?;
        let most = self.target.time;
        if took > most {
            // Others may have had the processor: measured again, without them.
            let before = guard::processor_time();
            self.guarded(input)?;
            let took = guard::processor_time().saturating_sub(before);
            if took > most {
                return Err(format!("took {took:?} of a processor, more than {most:?}"));
            }
        }
        Ok(())
    }

    fn guarded(&mut self, input: &[u8]) -> Result<Duration, String> {
        self.guard.begin(input);
        memory::begin();
        let begin = Instant::now();
        let check = &mut self.target.check;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(input)));
        let (took, peak) = (begin.elapsed(), memory::peak());
        // A panic in a task of this thread is caught by the runtime, but not forgotten here.
        let panic = self.guard.end();
        match (outcome, panic) {
            (_, Some(words)) => Err(words),
            (Err(_), None) => Err("a panic without words".to_owned()),
            (Ok(()), None) if peak > MEMORY => Err(format!("held {peak} bytes, more than {MEMORY}")),
            (Ok(()), None) => Ok(took),
        }
    }
}

/// An error that is logged, or told to whoever wrote the input: it may quote it as it is.
pub fn logged(error: &dyn std::error::Error, input: &[u8]) {
    sentence(&error.to_string().escape_debug().to_string(), input);
}

/// An error is a sentence that can be shown: it says something, on one line, and is no dump of a structure or of the input.
pub fn sentence(words: &str, input: &[u8]) {
    assert!(!words.trim().is_empty(), "an error without words");
    assert!(!words.contains(|c: char| c.is_control()), "an error with control characters: {words:?}");
    assert!(!words.contains("Error(") && !words.contains("Error {"), "a structure for an error: {words:?}");
    // Quoting may make six characters of one, and some errors quote twice.
    assert!(words.len() < 400 + 24 * input.len(), "an error of {} bytes for {} bytes", words.len(), input.len());
}
