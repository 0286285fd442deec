//! Macaroons of this controller: who has proved a password once shows one of these instead, for a day (`wire/protocol.md` 3.7).
//!
//! It speaks no HTTP. The surprise: nothing that is handed out is kept. Keys follow from one sealed secret and what the macaroon says of
//! itself, and what proved its user is in it as a stamp: once the password is another, or there is none, no macaroon of before holds.

mod tokens;

use base::Secret;
use base::chance::Chance;
use base::clock::Time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use model::record::user::User;
use model::{Beliefs, State, Stored};
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::OnceCell;
use wire::macaroon::{self, Macaroon};
use wire::secretbox::{self, NONCE};

use crate::doors::Seals;
use tokens::Tokens;

/// How long a login by macaroon holds.
const LOGIN: Duration = Duration::from_secs(24 * 3600);
/// How long whoever has registered needs no password.
const REGISTERED: Duration = Duration::from_secs(120);
/// How long a discharge may be asked for: people type passwords meanwhile.
const ASKED: Duration = Duration::from_secs(600);
/// What the secret's seal belongs to.
const SEALED_FOR: &str = "bakery";
const SECRET: usize = 32;

/// What a macaroon is for: the first byte of its id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Login = 1,
    Registered = 2,
}

#[derive(Default)]
pub struct Bakery {
    keys: OnceCell<Keys>,
    /// Given for a password at the form, taken for a discharge.
    pub tokens: Tokens,
}

impl Bakery {
    /// Reads the secret, or makes it. When it can be neither read nor kept, one of this process's own does: people log in again after a restart.
    pub async fn keys(&self, state: &State, seals: &dyn Seals) -> &Keys {
        self.keys.get_or_init(async || Keys::of(&secret(state, seals).await)).await
    }
}

async fn secret(state: &State, seals: &dyn Seals) -> Vec<u8> {
    let read = |sealed: &str| {
        let clear = seals.open(SEALED_FOR, sealed).ok()?;
        STANDARD_NO_PAD.decode(clear.reveal()).ok().filter(|bytes| bytes.len() == SECRET)
    };
    let there = state.read().bakery.as_ref().map(|bakery| bakery.sealed.clone());
    if let Some(secret) = there.as_deref().and_then(read) {
        return secret;
    }
    let mut fresh = vec![0u8; SECRET];
    state.chance().fill(&mut fresh);
    let sealed = seals.seal(SEALED_FOR, &Secret::new(STANDARD_NO_PAD.encode(&fresh)));
    let kept = match sealed {
        Ok(sealed) => {
            let change = |beliefs: &Beliefs, given: model::Given<'_>| {
                model::change::bakery::bake(beliefs, &sealed, there.as_deref(), given)
            };
            state.change(change).await
        }
        Err(refusal) => Err(refusal),
    };
    match kept.map(|sealed| read(&sealed)) {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            tracing::warn!("macaroons hold until this process ends: their secret cannot be read");
            fresh
        }
        Err(refusal) => {
            let words = refusal.words();
            tracing::warn!(words, "macaroons hold until this process ends: their secret cannot be kept");
            fresh
        }
    }
}

/// A discharge that is asked for.
pub struct Wanted {
    pub user: String,
    key: Vec<u8>,
}

/// What stands in the id of the caveat that a discharge is asked with, boxed: only this controller reads it.
#[derive(Serialize, Deserialize)]
struct Asked {
    user: String,
    key: String,
    until: i64,
}

pub struct Keys {
    roots: hmac::Key,
    stamps: hmac::Key,
    boxes: [u8; 32],
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0u8; 32];
    array.copy_from_slice(bytes);
    array
}

impl Keys {
    fn of(secret: &[u8]) -> Keys {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let of = |what: &str| array(hmac::sign(&secret, what.as_bytes()).as_ref());
        let key = |what: &str| hmac::Key::new(hmac::HMAC_SHA256, &of(what));
        Keys { roots: key("roots"), stamps: key("stamps"), boxes: of("boxes") }
    }

    fn root(&self, purpose: For, until: Time, chance: &dyn Chance) -> Macaroon {
        let mut id = vec![purpose as u8; 17];
        chance.fill(&mut id[1..]);
        let mut root = Macaroon::new(hmac::sign(&self.roots, &id).as_ref(), id, "juju");
        root.add(&before(until));
        root
    }

    /// What a client gets that wants to log in as `user`, and has shown nothing: good once it has the discharge of `https://host/auth`.
    pub fn wanting(&self, user: &str, host: &str, now: Time, chance: &dyn Chance) -> Macaroon {
        let (mut key, mut nonce, mut inner) = ([0u8; 32], [0u8; NONCE], [0u8; NONCE]);
        chance.fill(&mut key);
        chance.fill(&mut nonce);
        chance.fill(&mut inner);
        let asked = Asked { user: user.to_owned(), key: STANDARD_NO_PAD.encode(key), until: now.plus(ASKED).unix() };
        let text = serde_json::to_vec(&asked).unwrap_or_default();
        let id = [inner.as_slice(), &secretbox::seal(&self.boxes, &inner, &text)].concat();
        let mut root = self.root(For::Login, now.plus(LOGIN), chance);
        root.add_discharge(&key, id, &format!("https://{host}/auth"), nonce);
        root
    }

    /// What a caveat's id asks for; nothing when it is none of ours, or too old.
    pub fn asked(&self, id: &[u8], now: Time) -> Option<Wanted> {
        let (nonce, boxed) = id.split_first_chunk::<NONCE>()?;
        let asked: Asked = serde_json::from_slice(&secretbox::open(&self.boxes, nonce, boxed)?).ok()?;
        let key = STANDARD_NO_PAD.decode(&asked.key).ok()?;
        (Time::from_unix(asked.until) > now).then_some(Wanted { user: asked.user, key })
    }

    /// Says that it is this user. Whoever calls has seen proof.
    pub fn discharge(&self, id: Vec<u8>, wanted: &Wanted, user: &User, now: Time) -> Macaroon {
        let mut discharge = Macaroon::new(&wanted.key, id, "");
        discharge.add(&before(now.plus(LOGIN)));
        discharge.add(&format!("{DECLARED} {}", user.name));
        discharge.add(&format!("{STAMP} {}", self.stamp(user)));
        discharge
    }

    /// Lets whoever has just registered have a discharge without typing the password again.
    pub fn registered(&self, user: &User, now: Time, chance: &dyn Chance) -> Macaroon {
        let mut cookie = self.root(For::Registered, now.plus(REGISTERED), chance);
        cookie.add(&format!("{IS} {}", user.name));
        cookie.add(&format!("{STAMP} {}", self.stamp(user)));
        cookie
    }

    /// Whom these macaroons log in.
    pub fn logged_in(&self, slice: &[Macaroon], read: &Beliefs, now: Time) -> Option<String> {
        self.shown(For::Login, DECLARED, slice, read, now)
    }

    /// Who has just registered.
    pub fn has_registered(&self, slice: &[Macaroon], read: &Beliefs, now: Time) -> Option<String> {
        self.shown(For::Registered, IS, slice, read, now)
    }

    fn shown(&self, purpose: For, naming: &str, slice: &[Macaroon], read: &Beliefs, now: Time) -> Option<String> {
        let root = slice.first().filter(|root| root.id.first() == Some(&(purpose as u8)))?;
        let key = hmac::sign(&self.roots, &root.id);
        let (mut user, mut stamp): (Option<String>, Option<String>) = (None, None);
        // Whoever holds a macaroon may add conditions: of two that differ none is believed.
        let same = |known: &mut Option<String>, said: &str| known.get_or_insert_with(|| said.to_owned()) == said;
        let holds = |condition: &str| {
            let said = |word: &str| condition.strip_prefix(word)?.strip_prefix(' ');
            match (said("time-before"), said(STAMP), said(naming)) {
                (Some(until), ..) => Time::parse(until).is_some_and(|until| now < until),
                (_, Some(said), _) => same(&mut stamp, said),
                (.., Some(name)) => same(&mut user, name),
                // A condition that is not known does not hold.
                _ => false,
            }
        };
        macaroon::verify(slice, key.as_ref(), holds).ok()?;
        let user = in_use(read, &user?)?;
        (stamp.as_deref() == Some(&self.stamp(user))).then(|| user.name.clone())
    }

    /// Follows from what proves the user, and tells nothing of it.
    fn stamp(&self, user: &User) -> String {
        let mut context = hmac::Context::with_key(&self.stamps);
        context.update(user.name.as_bytes());
        context.update(b"\0");
        context.update(user.password_hash.as_ref().map_or("", |hash| hash.reveal()).as_bytes());
        STANDARD_NO_PAD.encode(&context.sign().as_ref()[..16])
    }
}

/// The user, if it may prove anything at all.
pub fn in_use<'a>(read: &'a Beliefs, name: &str) -> Option<&'a Stored<User>> {
    read.users.get(name).filter(|user| user.is_in_use() && user.password_hash.is_some())
}

const DECLARED: &str = "declared username";
const IS: &str = "is-authenticated-user";
const STAMP: &str = "grigri-proof";

fn before(until: Time) -> String {
    format!("time-before {until}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::chance::SystemChance;
    use store::Revision;

    fn bob(hash: &str) -> User {
        User {
            name: "bob".into(),
            display_name: String::new(),
            created_by: "admin".into(),
            created: Time::from_unix(0),
            password_hash: Some(Secret::new(hash)),
            registration: String::new(),
            disabled: false,
            removed: false,
        }
    }

    fn with(user: User) -> Beliefs {
        let mut beliefs = Beliefs::default();
        beliefs.users.insert(user.name.clone(), Stored::new(user, Revision(1)));
        beliefs
    }

    #[test]
    fn a_macaroon_holds_for_a_day_and_a_cookie_for_a_moment() {
        let (keys, now) = (Keys::of(&[7; SECRET]), Time::from_unix(1_000_000));
        let (there, user) = (with(bob("hash")), bob("hash"));
        let root = keys.wanting("bob", "x:1", now, &SystemChance);
        let id = root.caveats.iter().find(|caveat| !caveat.vid.is_empty()).expect("a caveat").id.clone();
        assert!(keys.asked(&id, now.plus(ASKED)).is_none(), "asked too late");
        assert!(Keys::of(&[8; SECRET]).asked(&id, now).is_none(), "of another controller");
        let wanted = keys.asked(&id, now).expect("asked");
        let discharge = keys.discharge(id, &wanted, &user, now).bound_to(&root);
        let slice = [root, discharge];
        let last = now.plus(LOGIN - Duration::from_secs(1));
        for (at, expected) in [(now, Some("bob")), (last, Some("bob")), (now.plus(LOGIN), None)] {
            assert_eq!(keys.logged_in(&slice, &there, at).as_deref(), expected, "{at}");
        }
        assert_eq!(keys.logged_in(&slice, &with(bob("another")), now), None, "the password is another");
        assert_eq!(keys.logged_in(&slice, &Beliefs::default(), now), None, "nobody is there");
        assert_eq!(Keys::of(&[8; SECRET]).logged_in(&slice, &there, now), None, "of another controller");
        assert_eq!(keys.has_registered(&slice, &there, now), None, "a login is no registration");
        let cookie = [keys.registered(&user, now, &SystemChance)];
        assert_eq!(keys.has_registered(&cookie, &there, now).as_deref(), Some("bob"));
        assert_eq!(keys.has_registered(&cookie, &there, now.plus(REGISTERED)), None);
        assert_eq!(keys.logged_in(&cookie, &there, now), None, "a registration is no login");
    }
}
