//! Who may do what: the one authorizer. It reads grants and answers; what each call needs, the table of calls says.
//! It refuses nothing itself. The surprise: a superuser is admin of every model, and a user with no access at all to a model is to be told
//! that there is no such model, not that it is forbidden.

use crate::beliefs::Beliefs;
use crate::key::Object;
use base::ModelUuid;

/// On the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControllerLevel {
    Login,
    Superuser,
}

/// On a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelLevel {
    Read,
    Write,
    Admin,
}

/// On a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloudLevel {
    AddModel,
    Admin,
}

macro_rules! words {
    ($level:ident { $($variant:ident = $word:literal),* }) => {
        impl $level {
            pub fn as_str(self) -> &'static str {
                match self { $($level::$variant => $word),* }
            }

            pub fn parse(word: &str) -> Option<$level> {
                match word { $($word => Some($level::$variant),)* _ => None }
            }
        }
    };
}

words!(ControllerLevel { Login = "login", Superuser = "superuser" });
words!(ModelLevel { Read = "read", Write = "write", Admin = "admin" });
words!(CloudLevel { AddModel = "add-model", Admin = "admin" });

/// What a call needs of its caller. Deny is the default of every table of calls: what is not listed may nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// Being logged in; the method shows each caller only what is theirs.
    LoggedIn,
    Controller(ControllerLevel),
    /// On the model of the connection.
    Model(ModelLevel),
}

/// Everybody of another identity provider has what this one has.
const EVERYONE: &str = "everyone@external";

/// The user's own grant and, for external users, everybody's.
fn levels<'a>(beliefs: &'a Beliefs, object: &Object, user: &str) -> impl Iterator<Item = &'a str> {
    let own = beliefs.access_of(object, user);
    let all = user.contains('@').then(|| beliefs.access_of(object, EVERYONE)).flatten();
    own.into_iter().chain(all)
}

pub fn on_controller(beliefs: &Beliefs, user: &str) -> Option<ControllerLevel> {
    levels(beliefs, &Object::Controller, user).filter_map(ControllerLevel::parse).max()
}

pub fn is_superuser(beliefs: &Beliefs, user: &str) -> bool {
    on_controller(beliefs, user) == Some(ControllerLevel::Superuser)
}

pub fn on_model(beliefs: &Beliefs, user: &str, model: ModelUuid) -> Option<ModelLevel> {
    match is_superuser(beliefs, user) {
        true => Some(ModelLevel::Admin),
        false => granted_on_model(beliefs, user, model),
    }
}

/// What was given, superuser or not.
pub fn granted_on_model(beliefs: &Beliefs, user: &str, model: ModelUuid) -> Option<ModelLevel> {
    levels(beliefs, &Object::Model(model), user).filter_map(ModelLevel::parse).max()
}

pub fn on_cloud(beliefs: &Beliefs, user: &str, cloud: &str) -> Option<CloudLevel> {
    match is_superuser(beliefs, user) {
        true => Some(CloudLevel::Admin),
        false => levels(beliefs, &Object::Cloud(cloud.to_owned()), user).filter_map(CloudLevel::parse).max(),
    }
}

/// Whether the user may do what needs `need`, on a connection to `model` (or to the controller).
pub fn allows(beliefs: &Beliefs, user: &str, model: Option<ModelUuid>, need: Need) -> bool {
    let usable = beliefs.users.get(user).is_some_and(|user| user.is_in_use());
    // Whoever may not log in any more is out, also of what was opened before.
    if !usable || on_controller(beliefs, user).is_none() {
        return false;
    }
    match (need, model) {
        (Need::LoggedIn, _) => true,
        (Need::Controller(level), _) => on_controller(beliefs, user) >= Some(level),
        (Need::Model(level), Some(model)) => on_model(beliefs, user, model) >= Some(level),
        (Need::Model(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beliefs::Stored;
    use crate::record::user::User;
    use base::clock::Time;
    use store::Revision;

    #[test]
    fn who_may_what() {
        let model: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let other: ModelUuid = "7a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let mut beliefs = Beliefs::default();
        for name in ["root", "ann", "bob", "eve", "x@ldap"] {
            let user = User {
                name: name.into(),
                display_name: String::new(),
                created_by: "root".into(),
                created: Time::from_unix(0),
                password_hash: None,
                registration: String::new(),
                disabled: name == "eve",
                removed: false,
            };
            beliefs.users.insert(name.into(), Stored::new(user, Revision(1)));
        }
        let mut give = |object: Object, user: &str, level: &str| {
            beliefs.access.insert((object, user.to_owned()), Stored::new(level.to_owned(), Revision(1)));
        };
        give(Object::Controller, "root", "superuser");
        give(Object::Controller, "ann", "login");
        give(Object::Controller, "eve", "superuser");
        give(Object::Model(model), "ann", "write");
        give(Object::Model(model), EVERYONE, "read");
        give(Object::Controller, EVERYONE, "login");
        // Has a model, and may not log in.
        give(Object::Model(model), "bob", "admin");
        let check = |user: &str, at: Option<ModelUuid>, need: Need, expected: bool| {
            assert_eq!(allows(&beliefs, user, at, need), expected, "{user} {need:?}");
        };
        check("root", Some(other), Need::Model(ModelLevel::Admin), true);
        check("root", None, Need::Model(ModelLevel::Read), false);
        check("ann", Some(model), Need::Model(ModelLevel::Write), true);
        check("ann", Some(model), Need::Model(ModelLevel::Admin), false);
        check("ann", Some(other), Need::Model(ModelLevel::Read), false);
        check("ann", None, Need::Controller(ControllerLevel::Superuser), false);
        check("ann", None, Need::LoggedIn, true);
        check("bob", None, Need::LoggedIn, false);
        check("bob", None, Need::Controller(ControllerLevel::Login), false);
        check("x@ldap", Some(model), Need::Model(ModelLevel::Read), true);
        check("x@ldap", Some(model), Need::Model(ModelLevel::Write), false);
        check("bob", Some(model), Need::Model(ModelLevel::Read), false);
        check("eve", None, Need::LoggedIn, false);
        check("nobody", None, Need::LoggedIn, false);
    }
}
