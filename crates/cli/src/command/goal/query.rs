//! The query language of `wait-for` (`wire/commands-machines.md` 19): comparisons, `&&`, `||`, calls, and functions over lists.
//!
//! ```text
//! or      = and { "||" and }
//! and     = compare { "&&" compare }
//! compare = term { ("==" | "!=" | "<" | "<=" | ">" | ">=") term }
//! term    = value { "." name | "[" or "]" | "(" [ argument { "," argument } ] ")" }
//! value   = name | string | number | "true" | "false" | "(" or ")"
//! argument = name "=>" or | or
//! ```
//! Must not know what is asked about. The surprise: a name may hold dashes (`workload-status`), so nothing can be subtracted.

mod evaluate;
mod words;

use std::collections::BTreeSet;
use std::fmt;

pub use evaluate::{Failure, Run, Scope, Value};
use words::{Word, words};

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Name(String),
    Literal(Value),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    /// `x => ...`, as an argument alone.
    Lambda(String, Box<Expr>),
    /// `==` and the like, `&&`, `||`.
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

/// A query that cannot be read, in the original's words where it was seen to say them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxError {
    /// It ends where something should come.
    Incomplete,
    Unexpected {
        /// Characters from the beginning, counted from 0.
        at: usize,
        what: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub expr: Expr,
}

/// Deeper than this nobody thinks.
const DEEPEST: usize = 64;

impl Query {
    pub fn parse(text: &str) -> Result<Query, SyntaxError> {
        let mut parser = Parser { words: words(text)?, at: 0, deep: 0 };
        let expr = parser.or()?;
        match parser.words.get(parser.at) {
            None => Ok(Query { expr }),
            Some((at, word)) => Err(SyntaxError::Unexpected { at: *at, what: word.to_string() }),
        }
    }

    /// The names that it asks for, functions and what lambdas name left out.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        collect(&self.expr, &mut Vec::new(), &mut names);
        names
    }
}

fn collect(expr: &Expr, bound: &mut Vec<String>, names: &mut BTreeSet<String>) {
    match expr {
        Expr::Name(name) => {
            if !bound.contains(name) {
                names.insert(name.clone());
            }
        }
        Expr::Literal(_) => {}
        Expr::Field(of, _) => collect(of, bound, names),
        Expr::Index(of, index) => {
            collect(of, bound, names);
            collect(index, bound, names);
        }
        Expr::Call(_, arguments) => arguments.iter().for_each(|one| collect(one, bound, names)),
        Expr::Lambda(name, body) => {
            bound.push(name.clone());
            collect(body, bound, names);
            bound.pop();
        }
        Expr::Binary(_, left, right) => {
            collect(left, bound, names);
            collect(right, bound, names);
        }
    }
}

struct Parser {
    words: Vec<(usize, Word)>,
    at: usize,
    deep: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at).map(|(_, word)| word)
    }

    fn sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let found = match self.peek() {
            Some(Word::Sign(sign)) => signs.iter().find(|one| *one == sign).copied(),
            _ => None,
        };
        self.at += usize::from(found.is_some());
        found
    }

    fn unexpected<T>(&self) -> Result<T, SyntaxError> {
        match self.words.get(self.at) {
            None => Err(SyntaxError::Incomplete),
            Some((at, word)) => Err(SyntaxError::Unexpected { at: *at, what: word.to_string() }),
        }
    }

    fn wants(&mut self, sign: &'static str) -> Result<(), SyntaxError> {
        if self.sign(&[sign]).is_some() { Ok(()) } else { self.unexpected() }
    }

    fn binary(
        &mut self,
        signs: &[&'static str],
        part: fn(&mut Parser) -> Result<Expr, SyntaxError>,
    ) -> Result<Expr, SyntaxError> {
        let mut left = part(self)?;
        while let Some(sign) = self.sign(signs) {
            left = Expr::Binary(sign, Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<Expr, SyntaxError> {
        self.deep += 1;
        if self.deep > DEEPEST {
            return self.unexpected();
        }
        let expr = self.binary(&["||"], Parser::and)?;
        self.deep -= 1;
        Ok(expr)
    }

    fn and(&mut self) -> Result<Expr, SyntaxError> {
        self.binary(&["&&"], Parser::compare)
    }

    fn compare(&mut self) -> Result<Expr, SyntaxError> {
        self.binary(&["==", "!=", "<=", ">=", "<", ">"], Parser::term)
    }

    fn term(&mut self) -> Result<Expr, SyntaxError> {
        let mut expr = self.value()?;
        loop {
            if self.sign(&["."]).is_some() {
                let Some(Word::Name(name)) = self.peek().cloned() else { return self.unexpected() };
                self.at += 1;
                expr = Expr::Field(Box::new(expr), name);
            } else if self.sign(&["["]).is_some() {
                let index = self.or()?;
                self.wants("]")?;
                expr = Expr::Index(Box::new(expr), Box::new(index));
            } else if self.sign(&["("]).is_some() {
                expr = Expr::Call(Box::new(expr), self.arguments()?);
            } else {
                return Ok(expr);
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, SyntaxError> {
        let mut arguments = Vec::new();
        if self.sign(&[")"]).is_some() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.sign(&[","]).is_none() {
                self.wants(")")?;
                return Ok(arguments);
            }
        }
    }

    fn argument(&mut self) -> Result<Expr, SyntaxError> {
        if let (Some(Word::Name(name)), Some((_, Word::Sign("=>")))) =
            (self.peek().cloned(), self.words.get(self.at + 1))
        {
            self.at += 2;
            return Ok(Expr::Lambda(name, Box::new(self.or()?)));
        }
        self.or()
    }

    fn value(&mut self) -> Result<Expr, SyntaxError> {
        let expr = match self.peek().cloned() {
            Some(Word::Name(name)) => match name.as_str() {
                "true" => Expr::Literal(Value::Bool(true)),
                "false" => Expr::Literal(Value::Bool(false)),
                _ => Expr::Name(name),
            },
            Some(Word::Text(text)) => Expr::Literal(Value::Text(text)),
            Some(Word::Int(number)) => Expr::Literal(Value::Int(number)),
            Some(Word::Float(number)) => Expr::Literal(Value::Float(number)),
            Some(Word::Sign("(")) => {
                self.at += 1;
                let inner = self.or()?;
                self.wants(")")?;
                return Ok(inner);
            }
            _ => return self.unexpected(),
        };
        self.at += 1;
        Ok(expr)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SyntaxError::Incomplete => f.write_str("unexpected end"),
            SyntaxError::Unexpected { what, .. } => write!(f, "unexpected {what}"),
        }
    }
}

impl SyntaxError {
    /// What the user is told: the query with a mark under the place.
    pub fn explain(&self, query: &str) -> String {
        match self {
            SyntaxError::Incomplete => format!(
                "Cannot execute query: runtime error.\n\n1 | {query}\n\nwait-for requires the Syntax Error: Unexpected \
                 expression <nil>\nMaybe try removing the character and try again."
            ),
            SyntaxError::Unexpected { at, what } => {
                let mark = " ".repeat(*at);
                format!("Cannot parse query: unexpected {what}.\n\n1 | {query}\n    {mark}^\n")
            }
        }
    }
}

#[cfg(test)]
mod tests;
