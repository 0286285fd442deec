//! What was made of records and is asked for often.
//! The surprise: a copy has none. Records are never changed where they lie, only copied and changed, so what is here fits them for ever.

use std::fmt;
use std::sync::OnceLock;

pub struct Memo<T>(OnceLock<T>);

impl<T> Memo<T> {
    /// Makes it the first time.
    pub fn of<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(made) = self.0.get() {
            return Ok(made);
        }
        // Two who make it at once make the same.
        let made = make()?;
        Ok(self.0.get_or_init(|| made))
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Memo<T> {
        Memo(OnceLock::new())
    }
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Memo<T> {
        Memo::default()
    }
}

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
