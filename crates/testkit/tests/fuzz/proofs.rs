//! What people show to be let in, as others may have made it: macaroons, registration strings, and the bodies of the two paths that take them.

use std::cell::Cell;

use wire::macaroon::{self, Macaroon};
use wire::registration::Registration;

use crate::engine::{Target, sentence};
use crate::port;

pub fn registration() -> Target {
    Target::of_text(|text| match Registration::read(text) {
        Ok(read) => {
            let token = read.token();
            // What was written another way may be longer as we write it.
            match Registration::read(token.reveal()) {
                Ok(again) => assert_eq!(again, read),
                Err(error) => assert!(token.reveal().len() > text.len(), "printed, it is refused: {error}"),
            }
        }
        Err(error) => sentence(&error.to_string(), text.as_bytes()),
    })
    .words(&["MFITA2JvYjAi", "==", "-_", "MAA"])
}

/// Lists of them as JSON; they are in base64 where they are shown.
pub fn macaroons() -> Target {
    Target::new(|input| {
        let Ok(slice) = serde_json::from_slice::<Vec<Macaroon>>(input) else { return };
        let again = macaroon::from_cookie(&macaroon::to_cookie(&slice));
        assert!(again.as_ref() == Some(&slice), "printed and read again it is another");
        let asked = Cell::new(0);
        let holds = |_: &str| {
            asked.set(asked.get() + 1);
            true
        };
        macaroon::verify(&slice, b"nobody's key", holds).expect_err("made by nobody who has the key");
        assert!(asked.get() < 10_000, "{} conditions were asked about", asked.get());
    })
    .json()
    .words(&["c", "i64", "v64", "s64", "cl", "l", "caveats", "cid", "vid", "signature", "identifier", "location"])
}

pub fn register() -> Target {
    Target::new(port::posted("/register", "application/json"))
        .json()
        .words(&["user", "user-admin", "nonce", "cipher-text", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
        .cases(300)
}

pub fn discharge() -> Target {
    Target::new(port::posted("/auth/discharge", "application/x-www-form-urlencoded"))
        .words(&["id=", "id64=", "token=", "token64=", "&", "eyJ", "%7B", "juju_userpass", "token-kind="])
        .cases(300)
}
