//! Every route's answer to the last key: statuses, `.tag` first, nested values second, nothing missing, nothing extra.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::practice::Practice;

const HELLO: &str = "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50";

fn file(tag: &str, name: &str, lower: &str, display: &str) -> String {
    format!(
        r#"{{{tag}"name":"{name}","path_lower":"{lower}","path_display":"{display}","id":"*","client_modified":"*","server_modified":"*","rev":"*","size":5,"is_downloadable":true,"content_hash":"{HELLO}"}}"#
    )
}

async fn check(practice: &Practice, route: &str, arg: Value, expected: &str) -> Result<()> {
    let said = practice.said(route, &arg).await?;
    ensure!(said == expected, "{route} {arg}\n   said {said}\nexpected {expected}");
    Ok(())
}

#[tokio::test]
async fn rpc_routes_answer_exactly() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/Videos/Clip.mp4", b"hello").await?;
    let tagged = file(r#"".tag":"file","#, "Clip.mp4", "/videos/clip.mp4", "/Videos/Clip.mp4");
    let plain = file("", "Clip.mp4", "/videos/clip.mp4", "/Videos/Clip.mp4");
    let folder = |tag: &str, name: &str| {
        format!(r#"{{{tag}"name":"{name}","path_lower":"/{}","path_display":"/{name}","id":"*"}}"#, name.to_lowercase())
    };
    let tagged_folder = |name: &'static str| folder(r#"".tag":"folder","#, name);
    let check = async |route: &str, arg: Value, expected: &str| check(&practice, route, arg, expected).await;
    check(
        "users/get_space_usage",
        json!(null),
        r#"200 {"used":5,"allocation":{".tag":"individual","allocated":2000000000000}}"#,
    )
    .await?;
    check("files/get_metadata", json!({"path": "/VIDEOS/clip.mp4"}), &format!("200 {tagged}")).await?;
    check("files/get_metadata", json!({"path": "/videos"}), &format!("200 {}", tagged_folder("Videos"))).await?;
    let missing = r#"409 {"error_summary":"path/not_found/","error":{".tag":"path","path":{".tag":"not_found"}}}"#;
    check("files/get_metadata", json!({"path": "/nothing"}), missing).await?;
    let listed = format!(r#"200 {{"entries":[{}],"cursor":"*","has_more":false}}"#, tagged_folder("Videos"));
    check("files/list_folder", json!({"path": ""}), &listed).await?;
    let listed = format!(r#"200 {{"entries":[{tagged}],"cursor":"*","has_more":false}}"#);
    check("files/list_folder", json!({"path": "/Videos", "limit": 2}), &listed).await?;
    let not_folder = r#"409 {"error_summary":"path/not_folder/","error":{".tag":"path","path":{".tag":"not_folder"}}}"#;
    check("files/list_folder", json!({"path": "/Videos/Clip.mp4"}), not_folder).await?;
    let made = format!(r#"200 {{"metadata":{}}}"#, folder("", "New"));
    check("files/create_folder_v2", json!({"path": "/New"}), &made).await?;
    let there = r#"409 {"error_summary":"path/conflict/folder/","error":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"folder"}}}}"#;
    check("files/create_folder_v2", json!({"path": "/new", "autorename": false}), there).await?;
    let link = format!(r#"200 {{"metadata":{plain},"link":"*"}}"#);
    check("files/get_temporary_link", json!({"path": "/Videos/Clip.mp4"}), &link).await?;
    let deleted = format!(r#"200 {{"metadata":{}}}"#, tagged_folder("New"));
    check("files/delete_v2", json!({"path": "/new"}), &deleted).await?;
    let gone = r#"409 {"error_summary":"path_lookup/not_found/","error":{".tag":"path_lookup","path_lookup":{".tag":"not_found"}}}"#;
    check("files/delete_v2", json!({"path": "/new"}), gone).await?;
    let grave = r#"200 {".tag":"deleted","name":"New","path_lower":"/new","path_display":"/New"}"#;
    check("files/get_metadata", json!({"path": "/new", "include_deleted": true}), grave).await?;
    check("auth/token/revoke", json!(null), "200 null").await?;
    let revoked = r#"401 {"error_summary":"invalid_access_token/","error":{".tag":"invalid_access_token"}}"#;
    check("auth/token/revoke", json!(null), revoked).await
}

#[tokio::test]
async fn links_answer_exactly() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/x.mp4", b"hello").await?;
    let permissions = r#"{"can_revoke":true,"resolved_visibility":{".tag":"public"},"visibility_policies":[],"can_set_expiry":false,"can_remove_expiry":false,"allow_download":true,"can_allow_download":true,"can_disallow_download":false,"allow_comments":true,"team_restricts_comments":false}"#;
    let link = format!(
        r#"{{".tag":"file","url":"*","id":"*","name":"x.mp4","path_lower":"/x.mp4","link_permissions":{permissions},"client_modified":"*","server_modified":"*","rev":"*","size":5}}"#
    );
    let check = async |route: &str, arg: Value, expected: &str| check(&practice, route, arg, expected).await;
    let create = "sharing/create_shared_link_with_settings";
    let refused = r#"409 {"error_summary":"settings_error/not_authorized/","error":{".tag":"settings_error","settings_error":{".tag":"not_authorized"}}}"#;
    check(create, json!({"path": "/x.mp4", "settings": {"expires": "2030-01-01T00:00:00Z"}}), refused).await?;
    check(create, json!({"path": "/x.mp4"}), &format!("200 {link}")).await?;
    let again = format!(
        r#"409 {{"error_summary":"shared_link_already_exists/metadata/","error":{{".tag":"shared_link_already_exists","shared_link_already_exists":{{".tag":"metadata","metadata":{link}}}}}}}"#
    );
    check(create, json!({"path": "/x.mp4"}), &again).await?;
    let settled =
        r#"409 {"error_summary":"shared_link_already_exists/","error":{".tag":"shared_link_already_exists"}}"#;
    check(create, json!({"path": "/x.mp4", "settings": {"audience": "public"}}), settled).await?;
    let listed = format!(r#"200 {{"links":[{link}],"has_more":false}}"#);
    check("sharing/list_shared_links", json!({"path": "/x.mp4", "direct_only": true}), &listed).await
}

#[tokio::test]
async fn the_account_answers_exactly() -> Result<()> {
    let practice = Practice::start().await?;
    let account = practice.rpc("users/get_current_account", &json!(null)).await?.json()?;
    let id = account["account_id"].as_str().unwrap_or_default();
    ensure!(id.len() == 40 && id.starts_with("dbid:"), "{id}");
    let keys: Vec<&str> = account.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let expected = [
        "account_id",
        "name",
        "email",
        "email_verified",
        "disabled",
        "country",
        "locale",
        "referral_link",
        "is_paired",
        "account_type",
        "root_info",
    ];
    ensure!(keys == expected, "{keys:?}");
    ensure!(account["name"]["display_name"] == "Ada Example" && account["root_info"][".tag"] == "user", "{account}");
    Ok(())
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped() -> Result<()> {
    let practice = Practice::start().await?;
    for name in ["a", "b", "c"] {
        practice.put(&format!("/{name}"), name.as_bytes()).await?;
    }
    let names = |page: &Value| -> String {
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| format!("{} {};", entry[".tag"], entry["name"])).collect::<String>().replace('"', "")
    };
    let page = practice.rpc("files/list_folder", &json!({"path": "", "limit": 2})).await?.json()?;
    ensure!(names(&page) == "file a;file b;" && page["has_more"] == true, "{page}");
    let go_on = async |page: &Value| {
        practice.rpc("files/list_folder/continue", &json!({"cursor": page["cursor"]})).await?.json()
    };
    let page = go_on(&page).await?;
    ensure!(names(&page) == "file c;" && page["has_more"] == false, "{page}");
    practice.rpc("files/delete_v2", &json!({"path": "/a"})).await?;
    practice.put("/d", b"d").await?;
    let page = go_on(&page).await?;
    ensure!(names(&page) == "deleted a;file d;", "{page}");
    std::fs::write(practice.emulator.files("Ada Example").join("dropped in"), "by hand")?;
    ensure!(names(&go_on(&page).await?) == "file dropped in;");
    Ok(())
}
