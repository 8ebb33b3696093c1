//! What a restart must not lose: files, tokens, open sessions; also when the end was a kill.

use anyhow::{Result, ensure};
use e2e::emulator::Emulator;
use serde_json::{Value, json};

use crate::practice::Practice;

#[tokio::test]
async fn a_killed_emulator_goes_on_where_it_was() -> Result<()> {
    let practice = Practice::start().await?;
    let metadata = practice.put("/Videos/kept.mp4", b"kept").await?;
    let id = practice.session().await?;
    practice.append(&id, 0, false, b"hel").await?;
    let Practice { emulator, token, directory, client, account, refresh_token } = practice;
    // Dropping it kills the process group with SIGKILL.
    drop(emulator);
    let emulator = Emulator::start(directory.path(), &[]).await?;
    let practice = Practice { client, emulator, token, refresh_token, account, directory };
    let found = practice.rpc("files/get_metadata", &json!({"path": metadata["id"]})).await?.json()?;
    ensure!(found["rev"] == metadata["rev"] && found["path_display"] == "/Videos/kept.mp4", "{found}");
    ensure!(practice.append(&id, 0, false, b"").await?.json()?["error"]["correct_offset"] == 3);
    practice.append(&id, 3, false, b"lo").await?;
    let done = practice.finish(&id, 5, "/a").await?.json()?;
    ensure!(done["content_hash"] == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50", "{done}");
    ensure!(practice.rpc("users/get_space_usage", &Value::Null).await?.json()?["used"] == 9);
    Ok(())
}
