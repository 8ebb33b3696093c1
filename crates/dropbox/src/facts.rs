//! What Dropbox tells about an account and its files.

use dropbox_sdk::types::{files::FileMetadata, team_common::MemberSpaceLimitType, users::SpaceAllocation};
use sluice_domain::{ByteSize, Receipt, UploadIntent};

/// How a person is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The name to show.
    pub display_name: String,
    /// The address of the account.
    pub email: String,
}

/// How full an account is, in bytes. Advisory: Dropbox may still refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Taken: by the person, or by the whole team where its members share.
    pub used: ByteSize,
    /// There is in all.
    pub allocated: ByteSize,
}

impl Space {
    /// What is left; nothing when more is used than there is.
    #[must_use]
    pub fn free(&self) -> ByteSize {
        ByteSize(self.allocated.0.saturating_sub(self.used.0))
    }
}

/// A file as it is in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// The full path as displayed.
    pub path: String,
    /// Dropbox's id of the file.
    pub id: String,
    /// Dropbox's revision.
    pub rev: String,
    /// Bytes.
    pub size: u64,
    /// Dropbox's content hash; empty if Dropbox does not tell it.
    pub content_hash: String,
}

impl FileMeta {
    /// Is this file what that intent was about? Its name does not matter, its bytes do.
    #[must_use]
    pub fn is_that(&self, intent: &UploadIntent) -> bool {
        self.size == intent.size && self.content_hash == intent.content_hash
    }
}

impl From<FileMeta> for Receipt {
    fn from(file: FileMeta) -> Self {
        let FileMeta { path, id, rev, size, content_hash } = file;
        Self { path, file_id: id, rev, size, content_hash }
    }
}

impl FileMeta {
    pub(crate) fn new(asked: &str, file: FileMetadata) -> Self {
        Self {
            path: file.path_display.or(file.path_lower).unwrap_or_else(|| asked.to_owned()),
            id: file.id,
            rev: file.rev,
            size: file.size,
            content_hash: file.content_hash.unwrap_or_default(),
        }
    }
}

/// Of a team, the tighter of the team's space and the member's own hard limit counts.
pub(crate) fn space(used: u64, allocation: &SpaceAllocation) -> Space {
    let space = |used, allocated| Space { used: ByteSize(used), allocated: ByteSize(allocated) };
    match allocation {
        SpaceAllocation::Individual(own) => space(used, own.allocated),
        SpaceAllocation::Team(team) => {
            let shared = space(team.used, team.allocated);
            let own = space(team.user_within_team_space_used_cached, team.user_within_team_space_allocated);
            let limited = team.user_within_team_space_allocated > 0
                && team.user_within_team_space_limit_type == MemberSpaceLimitType::StopSync;
            if limited && own.free() < shared.free() { own } else { shared }
        }
        // A kind of account that we do not know: let Dropbox decide.
        _ => space(used, u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use dropbox_sdk::types::users::{IndividualSpaceAllocation, TeamSpaceAllocation};

    use super::*;

    #[test]
    fn free_space_is_what_can_really_be_written() {
        use MemberSpaceLimitType::{Off, StopSync};
        let team = |used, allocated, cap, kind, own| {
            SpaceAllocation::Team(TeamSpaceAllocation::new(used, allocated, cap, kind, own))
        };
        let check =
            |used, allocation: &SpaceAllocation, want| assert_eq!(space(used, allocation).free(), ByteSize(want));
        check(30, &SpaceAllocation::Individual(IndividualSpaceAllocation::new(100)), 70);
        check(130, &SpaceAllocation::Individual(IndividualSpaceAllocation::new(100)), 0);
        check(30, &team(400, 1000, 0, StopSync, 30), 600);
        check(30, &team(400, 1000, 50, StopSync, 30), 20);
        check(30, &team(400, 1000, 50, Off, 30), 600);
        check(30, &team(990, 1000, 50, StopSync, 30), 10);
        check(30, &SpaceAllocation::Other, u64::MAX - 30);
    }
}
