//! Routes that look at files and folders, make folders and delete.

use serde_json::{Value, json};

use crate::api::argument::{At, PathForm};
use crate::api::caller::Caller;
use crate::api::lookup::{self, LookupError};
use crate::api::refusal::{Refusal, write_error};
use crate::files::commit::{Conflict, WriteError};
use crate::files::listing::{Cursor, ListError};
use crate::service::Service;
use crate::settings::AutorenameFirst;

/// Entries to a page when the client does not say.
const PAGE: u64 = 500;
const PAGE_MOST: u64 = 2000;

/// `files/get_metadata`
pub(crate) fn get_metadata(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Read))?;
    let include_deleted = fields.defaulted("include_deleted", false, At::boolean)?;
    fields.defaulted("include_media_info", false, At::boolean)?;
    fields.defaulted("include_has_explicit_shared_members", false, At::boolean)?;
    fields.optional("include_property_groups", At::ignored)?;
    fields.end()?;
    let mut tree = caller.account.tree();
    match lookup::entry(&mut tree, &caller.account, &path) {
        Ok((key, node)) => Ok(node.tagged(&key)),
        Err(LookupError::NotFound) if include_deleted => {
            let key = lookup::key(&caller.account, &path).map_err(|e| e.under("path"))?;
            tree.grave(&key).map(|grave| grave.tagged(&key)).ok_or_else(|| LookupError::NotFound.under("path"))
        }
        Err(error) => Err(error.under("path")),
    }
}

/// `files/list_folder`
pub(crate) fn list_folder(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::List))?;
    let recursive = fields.defaulted("recursive", false, At::boolean)?;
    let include_deleted = fields.defaulted("include_deleted", false, At::boolean)?;
    let limit = fields.optional("limit", At::unsigned)?.unwrap_or(PAGE);
    let flags = [
        "include_media_info",
        "include_has_explicit_shared_members",
        "include_mounted_folders",
        "include_non_downloadable_files",
        "include_restorable_info",
    ];
    flags.iter().try_for_each(|flag| fields.defaulted(flag, false, At::boolean).map(|_| ()))?;
    fields.optional("shared_link", At::ignored)?;
    fields.optional("include_property_groups", At::ignored)?;
    fields.end()?;
    if !(1..=PAGE_MOST).contains(&limit) {
        return Err(Refusal::BadArgument(format!("limit: {limit} is not between 1 and {PAGE_MOST}")));
    }
    let mut tree = caller.account.tree();
    let folder = lookup::folder(&mut tree, &caller.account, &path).map_err(|e| e.under("path"))?;
    let cursor = Cursor {
        account: caller.account.id.clone(),
        folder,
        recursive,
        include_deleted,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        began: tree.change(),
        seen: 0,
    };
    page(&mut tree, cursor)
}

/// `files/list_folder/continue`
pub(crate) fn list_folder_continue(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let text = fields.required("cursor", At::text)?;
    fields.end()?;
    let cursor = Cursor::decode(&text)
        .filter(|cursor| cursor.account == caller.account.id)
        .ok_or_else(|| Refusal::BadCall(format!("Invalid \"cursor\" parameter: {text:?}")))?;
    page(&mut caller.account.tree(), cursor)
}

fn page(tree: &mut crate::files::tree::Tree, cursor: Cursor) -> Result<Value, Refusal> {
    match tree.list(cursor) {
        Ok(page) => {
            let entries: Vec<Value> = page.entries.iter().map(lookup::tagged).collect();
            Ok(json!({ "entries": entries, "cursor": page.cursor.encode(), "has_more": page.has_more }))
        }
        Err(ListError::Reset) => Err(Refusal::tag("reset")),
        Err(ListError::Broken(error)) => Err(error.into()),
    }
}

/// `files/create_folder_v2`
pub(crate) fn create_folder_v2(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::WriteNew))?;
    let autorename = fields.defaulted("autorename", false, At::boolean)?;
    fields.end()?;
    if caller.account.is_locked() {
        return Err(Refusal::write(WriteError::TooManyWriteOperations));
    }
    let path = path.inside(&caller.account.namespace, service.switches().non_bmp);
    let Ok(Some(path)) = path else { return Err(Refusal::write(WriteError::MalformedPath)) };
    let first = autorename.then(|| first_number(service));
    let (key, node) = caller.account.tree().create_folder(&path, first).map_err(Refusal::write)?;
    Ok(json!({ "metadata": node.plain(&key) }))
}

/// `files/delete_v2`
pub(crate) fn delete_v2(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Write))?;
    let parent_rev = fields.optional("parent_rev", |at| at.hex(None))?;
    fields.end()?;
    if caller.account.is_locked() {
        return Err(Refusal::tag("too_many_write_operations"));
    }
    let mut tree = caller.account.tree();
    let (key, node) = lookup::entry(&mut tree, &caller.account, &path).map_err(|e| e.under("path_lookup"))?;
    if let Some(rev) = parent_rev
        && node.content().is_none_or(|content| content.rev != rev)
    {
        let conflict = write_error(WriteError::Conflict(Conflict::File))?;
        return Err(Refusal::nested("path_write", &conflict));
    }
    tree.delete(&key, &node)?;
    Ok(json!({ "metadata": node.tagged(&key) }))
}

/// The first number that `autorename` tries, by the switch.
pub(crate) fn first_number(service: &Service) -> u32 {
    match service.switches().autorename_first {
        AutorenameFirst::One => 1,
        AutorenameFirst::Two => 2,
    }
}
