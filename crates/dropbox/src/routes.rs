//! The SDK's routes that are used, as one trait: so that one place can call, judge and repeat any of them.

use std::future::Future;

use dropbox_sdk::{
    Error, NoError,
    async_routes::{auth, files, users},
    types::{files as f, users as u},
};
use http::HeaderValue;
use serde::de::DeserializeOwned;
use sluice_domain::Failure;

use crate::{argument, call::Call};

/// A call with its argument.
pub(crate) trait Route: Sync {
    /// What comes back.
    type Answer: DeserializeOwned + Send;
    /// What the route itself may refuse with (HTTP 409).
    type Problem: std::error::Error + Send;
    /// Its path below `/2/`.
    const NAME: &str;

    /// The argument as a header, for content routes.
    fn header(&self) -> Result<Option<HeaderValue>, Failure>;

    /// Calls it.
    fn send<'a>(
        &'a self,
        call: &'a Call<'a>,
    ) -> impl Future<Output = Result<Self::Answer, Error<Self::Problem>>> + Send;
}

macro_rules! content_route {
    ($argument:ty, $function:path, $name:literal => $answer:ty, $problem:ty) => {
        impl Route for $argument {
            type Answer = $answer;
            type Problem = $problem;
            const NAME: &str = $name;

            fn header(&self) -> Result<Option<HeaderValue>, Failure> {
                argument::header(self).map(Some)
            }

            fn send<'a>(&'a self, call: &'a Call<'a>) -> impl Future<Output = Result<$answer, Error<$problem>>> + Send {
                $function(call, self, bytes::Bytes::new())
            }
        }
    };
}

macro_rules! rpc_route {
    ($argument:ty, |$self:ident, $call:ident| $send:expr, $name:literal => $answer:ty, $problem:ty) => {
        impl Route for $argument {
            type Answer = $answer;
            type Problem = $problem;
            const NAME: &str = $name;

            fn header(&self) -> Result<Option<HeaderValue>, Failure> {
                Ok(None)
            }

            fn send<'a>(&'a $self, $call: &'a Call<'a>) -> impl Future<Output = Result<$answer, Error<$problem>>> + Send {
                $send
            }
        }
    };
}

/// Who the account is.
pub(crate) struct GetAccount;
/// How full it is.
pub(crate) struct GetSpace;
/// Give the connection back.
pub(crate) struct RevokeToken;

content_route!(f::UploadSessionStartArg, files::upload_session_start, "files/upload_session/start"
    => f::UploadSessionStartResult, f::UploadSessionStartError);
content_route!(f::UploadSessionAppendArg, files::upload_session_append_v2, "files/upload_session/append_v2"
    => (), f::UploadSessionAppendError);
content_route!(f::UploadSessionFinishArg, files::upload_session_finish, "files/upload_session/finish"
    => f::FileMetadata, f::UploadSessionFinishError);
rpc_route!(f::GetMetadataArg, |self, call| files::get_metadata(call, self), "files/get_metadata"
    => f::Metadata, f::GetMetadataError);
rpc_route!(f::DeleteArg, |self, call| files::delete_v2(call, self), "files/delete_v2"
    => f::DeleteResult, f::DeleteError);
rpc_route!(GetAccount, |self, call| users::get_current_account(call), "users/get_current_account"
    => u::FullAccount, NoError);
rpc_route!(GetSpace, |self, call| users::get_space_usage(call), "users/get_space_usage"
    => u::SpaceUsage, NoError);
rpc_route!(RevokeToken, |self, call| auth::token_revoke(call), "auth/token/revoke"
    => (), NoError);
