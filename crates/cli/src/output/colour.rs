//! Colours of what is printed, by meaning. `Paint` is off or on for a whole output.
//!
//! The surprise: in a table the tab that ends a cell stands inside the colour, so padding is coloured too.

/// What a text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Header,
    Good,
    Warning,
    Bad,
    Address,
    Message,
    Port,
    /// An endpoint's name behind an application's, numbers in structured output.
    Number,
    Key,
    Colon,
    Text,
    Block,
    Name,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Header => "1;39",
            Ink::Good => "32",
            Ink::Warning => "33",
            Ink::Bad => "31",
            Ink::Address => "36",
            Ink::Message => "37",
            Ink::Port => "95",
            Ink::Number => "35",
            Ink::Key => "1;96",
            Ink::Colon => "1;95",
            Ink::Text => "39",
            Ink::Block => "90",
            Ink::Name => "92",
        }
    }

    /// The colour of a status word; most words have none.
    #[must_use]
    pub fn of_status(word: &str) -> Option<Ink> {
        Some(match word {
            "active" | "running" | "idle" | "started" | "executing" | "attaching" | "attached" => Ink::Good,
            "allocating" | "lost" | "maintenance" | "pending" | "rebooting" | "stopped" | "unknown" | "detaching"
            | "detached" => Ink::Warning,
            "blocked" | "down" | "error" | "failed" | "terminated" => Ink::Bad,
            _ => return None,
        })
    }
}

/// Whether to colour at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    #[must_use]
    pub fn with(self, ink: Option<Ink>, text: &str) -> String {
        match ink {
            Some(ink) if self.0 => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
            _ => text.to_owned(),
        }
    }

    #[must_use]
    pub fn ink(self, ink: Ink, text: &str) -> String {
        self.with(Some(ink), text)
    }
}
