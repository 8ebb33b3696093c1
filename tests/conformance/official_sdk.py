"""Dropbox's official Python SDK against the emulator, whose base URL is the only argument.

Every function named test_* is run in order; the first failure ends the program.
"""

import os
import re
import sys

import dropbox
import requests
from dropbox import files, file_transfer, oauth
from dropbox.content_hash import content_hash
from dropbox.exceptions import ApiError, AuthError, BadInputError, InternalServerError, RateLimitError

BASE = sys.argv[1]
KEY, SECRET = "K", "S"
MIB = 1 << 20


def control(method, path, body=None):
    answer = requests.request(method, f"{BASE}/emulator/{path}", json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def fault(route, **kind):
    control("POST", "faults", {"route": route, "fault": kind})


def connect(account="Ada Example"):
    grant = control("POST", "grant", {"account": account, "client_id": KEY})
    return dropbox.Dropbox(
        oauth2_refresh_token=grant["refresh_token"], app_key=KEY, app_secret=SECRET, max_retries_on_rate_limit=1, timeout=60
    )


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} expected")


def decide(url, decision="allow"):
    """Answers the consent page as a person would."""
    page = requests.get(url, timeout=30)
    assert page.status_code == 200, page.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    account = re.search(r'name="account" value="([^"]+)"', page.text).group(1)
    form = {"ticket": ticket, "account": account, "decision": decision}
    return requests.post(f"{BASE}/oauth2/authorize", data=form, allow_redirects=False, timeout=30)


dbx = connect()


def test_account_and_space():
    account = dbx.users_get_current_account()
    assert account.name.display_name == "Ada Example" and account.account_type.is_basic()
    control("POST", f"accounts/{account.account_id}", {"quota": 10_000_000_000})
    space = dbx.users_get_space_usage()
    assert space.allocation.get_individual().allocated == 10_000_000_000


def test_small_upload():
    metadata = dbx.files_upload(b"hello", "/Kleines/é 🎬.txt")
    assert metadata.content_hash == content_hash(b"hello") and metadata.path_display == "/Kleines/é 🎬.txt"
    again = dbx.files_upload(b"hello", "/kleines/É 🎬.txt")
    assert again.rev == metadata.rev and again.id == metadata.id
    error = raises(ApiError, lambda: dbx.files_upload(b"other", "/Kleines/é 🎬.txt")).error
    assert error.is_path() and error.get_path().reason.get_conflict().is_file()
    renamed = dbx.files_upload(b"other", "/Kleines/é 🎬.txt", autorename=True)
    assert renamed.name == "é 🎬 (1).txt"
    mode = files.WriteMode.update(metadata.rev)
    assert dbx.files_upload(b"newer", "/Kleines/é 🎬.txt", mode=mode).id == metadata.id


def test_session_of_20_mib():
    content = os.urandom(20 * MIB)
    session = dbx.files_upload_session_start(b"").session_id
    offset = 0
    while offset < len(content):
        piece = content[offset : offset + 8 * MIB]
        dbx.files_upload_session_append_v2(piece, files.UploadSessionCursor(session, offset))
        offset += len(piece)
    wrong = files.UploadSessionCursor(session, 5)
    error = raises(ApiError, lambda: dbx.files_upload_session_append_v2(b"x", wrong)).error
    assert error.is_incorrect_offset() and error.get_incorrect_offset().correct_offset == len(content)
    commit = files.CommitInfo("/big.bin")
    error = raises(ApiError, lambda: dbx.files_upload_session_finish(b"", wrong, commit)).error
    assert error.get_lookup_failed().get_incorrect_offset().correct_offset == len(content)
    metadata = dbx.files_upload_session_finish(b"", files.UploadSessionCursor(session, len(content)), commit)
    assert metadata.content_hash == content_hash(content) and metadata.size == len(content)
    _, answer = dbx.files_download("/big.bin")
    assert answer.content == content
    gone = raises(ApiError, lambda: dbx.files_upload_session_append_v2(b"x", files.UploadSessionCursor(session, offset)))
    assert gone.error.is_not_found()


def test_its_own_uploader_and_downloader():
    content = os.urandom(20 * MIB + 5)
    for parallel in (1, 4):
        options = file_transfer.UploadOptions(parallel_uploads=parallel)
        path = f"/transfer {parallel}.bin"
        result = file_transfer.Uploader(dbx).upload(file_transfer.BytesUpload(content), files.CommitInfo(path), options)
        assert result.metadata.content_hash == content_hash(content), path
        target = file_transfer.Bytes()
        options = file_transfer.DownloadOptions(parallel_downloads=parallel)
        file_transfer.Downloader(dbx).download(path, target, options)
        assert target.bytes() == content, path


def test_its_uploader_resumes():
    content = os.urandom(20 * MIB)
    fault("files/upload_session/append_v2", kind="lose_response")
    fault("files/upload_session/append_v2", kind="status", code=503)
    fault("files/upload_session/finish", kind="rate_limit", shape="json", retry_after=0)
    source, commit = file_transfer.BytesUpload(content), files.CommitInfo("/resumed.bin")
    result = file_transfer.Uploader(dbx).upload(source, commit)
    assert result.metadata.content_hash == content_hash(content)


def test_batches():
    entries = []
    for number in range(3):
        session = dbx.files_upload_session_start(b"hello", close=True).session_id
        commit = files.CommitInfo(f"/batch/{number}" if number < 2 else "/batch/bad\\name")
        entries.append(files.UploadSessionFinishArg(files.UploadSessionCursor(session, 5), commit))
    results = dbx.files_upload_session_finish_batch_v2(entries).entries
    assert [result.is_success() for result in results] == [True, True, False]
    assert results[2].get_failure().get_path().is_malformed_path()
    ids = dbx.files_upload_session_start_batch(2).session_ids
    appended = [files.UploadSessionAppendBatchArgEntry(files.UploadSessionCursor(i, 0), 2, close=True) for i in ids]
    assert all(entry.is_success() for entry in dbx.files_upload_session_append_batch(b"abcd", appended).entries)
    finishes = [
        files.UploadSessionFinishArg(files.UploadSessionCursor(i, 2), files.CommitInfo(f"/batch/{n}.async")) for n, i in enumerate(ids)
    ]
    job = dbx.files_upload_session_finish_batch(finishes).get_async_job_id()
    assert dbx.files_upload_session_finish_batch_check(job).is_in_progress()
    assert len(dbx.files_upload_session_finish_batch_check(job).get_complete().entries) == 2


def test_metadata_and_listing():
    metadata = dbx.files_get_metadata("/BIG.BIN")
    assert isinstance(metadata, files.FileMetadata) and metadata.path_lower == "/big.bin"
    assert dbx.files_get_metadata(metadata.id).rev == metadata.rev
    error = raises(ApiError, lambda: dbx.files_get_metadata("/nothing")).error
    assert error.get_path().is_not_found()
    page = dbx.files_list_folder("", recursive=True, limit=3)
    names = [entry.path_lower for entry in page.entries]
    while page.has_more:
        page = dbx.files_list_folder_continue(page.cursor)
        names += [entry.path_lower for entry in page.entries]
    assert len(names) == len(set(names)) and {"/big.bin", "/batch", "/batch/0", "/kleines/é 🎬.txt"} <= set(names), names
    dbx.files_delete_v2("/batch/0")
    page = dbx.files_list_folder_continue(page.cursor)
    assert [type(entry) for entry in page.entries] == [files.DeletedMetadata]
    raises(ApiError, lambda: dbx.files_list_folder("/big.bin"))
    raises(BadInputError, lambda: dbx.files_list_folder("/"))


def test_download_with_a_range():
    metadata, answer = dbx.files_download("/big.bin", extra_headers={"Range": "bytes=100-199"})
    _, whole = dbx.files_download(metadata.id)
    assert answer.status_code == 206 and answer.content == whole.content[100:200] and metadata.size == 20 * MIB


def test_folders_and_deleting():
    assert dbx.files_create_folder_v2("/Ordner").metadata.path_display == "/Ordner"
    error = raises(ApiError, lambda: dbx.files_create_folder_v2("/ordner")).error
    assert error.get_path().get_conflict().is_folder()
    assert dbx.files_delete_v2("/Ordner").metadata.name == "Ordner"
    error = raises(ApiError, lambda: dbx.files_delete_v2("/Ordner")).error
    assert error.get_path_lookup().is_not_found()


def test_links():
    link = dbx.files_get_temporary_link("/batch/1")
    assert requests.get(link.link, timeout=30).content == b"hello" and link.metadata.name == "1"
    shared = dbx.sharing_create_shared_link_with_settings("/batch/1")
    error = raises(ApiError, lambda: dbx.sharing_create_shared_link_with_settings("/batch/1")).error
    assert error.get_shared_link_already_exists().get_metadata().url == shared.url
    assert [found.url for found in dbx.sharing_list_shared_links("/batch/1", direct_only=True).links] == [shared.url]
    assert requests.get(shared.url, timeout=30).content == b"hello"


def test_no_space():
    account = dbx.users_get_current_account().account_id
    used = dbx.users_get_space_usage().used
    control("POST", f"accounts/{account}", {"quota": used + 4})
    session = dbx.files_upload_session_start(b"hello").session_id
    cursor, commit = files.UploadSessionCursor(session, 5), files.CommitInfo("/no space")
    error = raises(ApiError, lambda: dbx.files_upload_session_finish(b"", cursor, commit)).error
    assert error.get_path().is_insufficient_space()
    control("POST", f"accounts/{account}", {"quota": used + 5})
    assert dbx.files_upload_session_finish(b"", cursor, commit).size == 5
    control("POST", f"accounts/{account}", {"quota": 10_000_000_000})


def test_limits_and_outages():
    fault("users/get_space_usage", kind="rate_limit", shape="json", retry_after=0)
    dbx.users_get_space_usage()
    strict = dbx.clone(max_retries_on_error=0)
    strict._max_retries_on_rate_limit = 0
    for shape in ("json", "json_no_retry", "text"):
        fault("users/get_space_usage", kind="rate_limit", shape=shape, retry_after=3)
        raises(RateLimitError, strict.users_get_space_usage)
    fault("users/get_space_usage", kind="status", code=500)
    raises(InternalServerError, strict.users_get_space_usage)
    fault("files/list_folder", kind="unknown_tag")
    assert raises(ApiError, lambda: strict.files_list_folder("/x")).error.is_other()


def test_expired_and_revoked_tokens():
    mine = connect()
    account = mine.users_get_current_account().account_id
    control("POST", "tokens/expire", {"account": account})
    mine.users_get_current_account()
    mine.auth_token_revoke()
    error = raises(AuthError, mine.users_get_current_account)
    assert error.error.is_invalid_access_token()
    raises(AuthError, mine.refresh_access_token)


def test_its_oauth_flow_with_pkce():
    session = {}
    redirect = "http://localhost:9/cb"
    flow = oauth.DropboxOAuth2Flow(KEY, redirect, session, "csrf", use_pkce=True, token_access_type="offline")
    target = decide(flow.start("mine")).headers["Location"]
    assert target.startswith(redirect)
    query = dict(pair.split("=", 1) for pair in target.split("?", 1)[1].split("&"))
    result = flow.finish({name: requests.utils.unquote(value.replace("+", " ")) for name, value in query.items()})
    assert result.url_state == "mine" and result.refresh_token and result.account_id.startswith("dbid:")
    client = dropbox.Dropbox(oauth2_refresh_token=result.refresh_token, app_key=KEY)
    assert client.users_get_current_account().account_id == result.account_id
    target = decide(flow.start("mine"), "deny").headers["Location"]
    query = dict(pair.split("=", 1) for pair in target.split("?", 1)[1].split("&"))
    answer = {name: requests.utils.unquote(value.replace("+", " ")) for name, value in query.items()}
    raises(oauth.NotApprovedException, lambda: flow.finish(answer))


def test_its_oauth_flow_with_a_secret():
    flow = oauth.DropboxOAuth2FlowNoRedirect(KEY, SECRET, token_access_type="offline", scope=["account_info.read"])
    page = decide(flow.start()).text
    result = flow.finish(re.search(r'id="code">([^<]+)<', page).group(1))
    assert result.scope == "account_info.read"
    narrow = dropbox.Dropbox(oauth2_refresh_token=result.refresh_token, app_key=KEY, app_secret=SECRET)
    narrow.users_get_current_account()
    assert raises(AuthError, lambda: narrow.files_list_folder("")).error.is_missing_scope()


def test_two_accounts_are_strangers():
    ben = connect("Ben Example")
    assert ben.files_list_folder("").entries == []
    raises(ApiError, lambda: ben.files_get_metadata(dbx.files_get_metadata("/big.bin").id))


for name, test in list(globals().items()):
    if name.startswith("test_"):
        print(name, flush=True)
        test()
        control("DELETE", "faults")
print("all passed")
