//! Routes for those who may: the permission is looked up in the user's row on every request.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::auth::{Authenticated, Authority};
use super::problem::{Code, Problem};
use crate::domain::session::Session;
use crate::domain::user::User;

/// Something that a route asks of its caller's roles.
pub trait Permission: Send + Sync + 'static {
    /// Its name in roles and tokens.
    const NAME: &'static str;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident => $text:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl Permission for $name {
                const NAME: &'static str = $text;
            }
        )*
    };
}

permissions! {
    /// Changing users.
    UsersWrite => "users:write";
    /// Moving users from one status to another.
    UsersStatus => "users:status";
    /// Seeing plans.
    PlansRead => "plans:read";
    /// Changing plans.
    PlansWrite => "plans:write";
}

/// A caller who may do `P`. Their row and session are read for it, whatever their token says: what
/// was taken from them a moment ago is gone.
#[derive(Debug, Clone)]
pub struct Permitted<P> {
    /// Who it is.
    pub user: User,
    /// The session that they call from.
    pub session: Session,
    permission: PhantomData<P>,
}

impl<S, P> FromRequestParts<S> for Permitted<P>
where
    S: Send + Sync,
    P: Permission,
    Authority: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authenticated::from_request_parts(parts, state).await?;
        let (user, session) = Authority::from_ref(state).load(caller).await?;
        if !user.may(P::NAME) {
            return Err(Problem::new(
                Code::Forbidden,
                "Your roles don't allow this. Ask an admin.",
            ));
        }
        Authority::from_ref(state).check_admin(&user, &session)?;
        Ok(Self {
            user,
            session,
            permission: PhantomData,
        })
    }
}
