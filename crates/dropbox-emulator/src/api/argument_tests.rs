//! Arguments that the service takes and refuses, with its words.

use serde_json::json;

use super::*;

fn read(value: Value) -> Read<String> {
    let mut fields = At::root(value).fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Write))?;
    let mode = fields.defaulted("mode", "add".into(), |at| at.union().map(|(tag, _)| tag))?;
    let mute = fields.defaulted("mute", false, At::boolean)?;
    let cursor = fields.optional("cursor", |at| {
        let mut cursor = at.fields()?;
        let offset = cursor.required("offset", At::unsigned)?;
        cursor.end()?;
        Ok(offset)
    })?;
    let time = fields.optional("time", At::time)?;
    fields.end()?;
    Ok(format!("{path:?} {mode} {mute} {cursor:?} {time:?}"))
}

fn check(value: &Value, expected: &str) {
    match read(value.clone()) {
        Ok(said) => assert_eq!(said, expected, "{value}"),
        Err(BadArgument(text)) => assert_eq!(text, expected, "{value}"),
    }
}

#[test]
fn arguments_are_read_strictly() {
    check(&json!({"path": "/a"}), r#"Path("/a") add false None None"#);
    check(&json!({"path": "/a", "mode": "overwrite", "mute": true}), r#"Path("/a") overwrite true None None"#);
    check(&json!({"path": "/a", "mode": {".tag": "overwrite"}}), r#"Path("/a") overwrite false None None"#);
    check(&json!({"path": "id:x", "cursor": {"offset": 5}}), r#"Id("id:x") add false Some(5) None"#);
    check(&json!({"path": "ns:12/a"}), r#"Namespace("12", "/a") add false None None"#);
    check(&json!({"path": "/a", "cursor": null}), r#"Path("/a") add false None None"#);
    check(
        &json!({"path": "/a", "time": "2026-11-20T19:47:30Z"}),
        r#"Path("/a") add false None Some("2026-11-20T19:47:30Z")"#,
    );
    check(&json!([]), "expected object, got array");
    check(&json!({}), "missing required field 'path'");
    check(&json!({"path": null}), "path: expected to be a string, got null");
    check(&json!({"path": 5}), "path: expected string, got integer");
    check(&json!({"path": "x"}), r"path: 'x' did not match pattern '(/(.|[\r\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)'");
    check(
        &json!({"path": "rev:123456789"}),
        r"path: 'rev:123456789' did not match pattern '(/(.|[\r\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)'",
    );
    check(&json!({"path": "/a", "root": 1}), "unknown field 'root'");
    check(&json!({"path": "/a", "mode": {"tag": "add"}}), "mode: missing '.tag' key");
    check(&json!({"path": "/a", "mute": null}), "mute: expected boolean, got null");
    check(&json!({"path": "/a", "cursor": {"offset": "5"}}), "cursor.offset: expected integer, got string");
    check(&json!({"path": "/a", "cursor": {"offset": -5}}), "cursor.offset: not within range");
    check(&json!({"path": "/a", "cursor": {"offset": 5, "x": 1}}), "cursor: unknown field 'x'");
    check(
        &json!({"path": "/a", "time": "2026-11-20"}),
        "time: time data '2026-11-20' does not match format '%Y-%m-%dT%H:%M:%SZ'",
    );
}

#[test]
fn roots() {
    let path = |text: &str, form| At::root(text.into()).path(form);
    assert_eq!(path("", PathForm::List), Ok(PathArg::Path(String::new())));
    assert!(path("/", PathForm::List).is_err_and(|BadArgument(text)| text.contains("empty string")));
    assert!(path("", PathForm::Read).is_err());
    assert_eq!(path("rev:0123456789", PathForm::Read), Ok(PathArg::Rev("0123456789".into())));
    assert_eq!(path("ns:12", PathForm::List), Ok(PathArg::Namespace("12".into(), String::new())));
}
