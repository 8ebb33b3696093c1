"""Uploads a file, or standard input for `-`, in one upload session with Dropbox's official SDK, as its documentation shows it."""

import os
import sys

import dropbox
from dropbox import files

CHUNK = 8 << 20

source, path = sys.argv[1:]
dbx = dropbox.Dropbox(
    oauth2_refresh_token=os.environ["DROPBOX_REFRESH_TOKEN"], app_key=os.environ["DROPBOX_APP_KEY"], timeout=100
)
with sys.stdin.buffer if source == "-" else open(source, "rb") as stream:
    chunk = stream.read(CHUNK)
    session = dbx.files_upload_session_start(chunk).session_id
    offset = len(chunk)
    while chunk := stream.read(CHUNK):
        dbx.files_upload_session_append_v2(chunk, files.UploadSessionCursor(session, offset))
        offset += len(chunk)
    cursor, commit = files.UploadSessionCursor(session, offset), files.CommitInfo(path)
    dbx.files_upload_session_finish(b"", cursor, commit)
