//! The emulator's own pages: plain HTML, no script, and clear about what it is not.

use std::sync::Arc;

use url::Url;

use crate::files::account::Account;
use crate::oauth::codes::Request;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; --accent: #0b57d0; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --accent: #a8c7fa; --on-accent: #062e6f; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 8vh auto; padding: 0 1.25rem; }
h1 { font-size: 1.4rem; line-height: 1.25; }
h2 { font-size: 1.1rem; }
.practice { border: 1px dashed var(--line); border-radius: .5rem; padding: .6rem .9rem; }
fieldset { border: 1px solid var(--line); border-radius: .5rem; padding: .25rem .9rem; margin: 1.25rem 0; }
label { display: block; padding: .5rem 0; }
button { font: inherit; padding: .55rem 1.4rem; border-radius: .5rem; border: 1px solid var(--line); margin-right: .5rem; cursor: pointer; }
button.allow { background: var(--accent); color: var(--on-accent); border-color: transparent; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font-size: 1.05rem; word-break: break-all; }
";

/// Asks whether the app may have what it wants, and of which account.
pub(crate) fn consent(request: &Request, accounts: &[Arc<Account>], ticket: &str) -> String {
    let app = escape(&request.client_id);
    let target = request.redirect_uri.as_deref().and_then(|uri| Url::parse(uri).ok()?.host_str().map(escape));
    let wishes: String =
        request.scopes.iter().filter_map(|scope| wish(scope)).map(|wish| format!("<li>{wish}</li>")).collect();
    let choices: String = accounts
        .iter()
        .enumerate()
        .map(|(place, account)| {
            let checked = if place == 0 { " checked" } else { "" };
            let (id, name) = (escape(&account.id), escape(&account.name));
            format!("<label><input type=\"radio\" name=\"account\" value=\"{id}\"{checked}> {name}</label>")
        })
        .collect();
    let back = target.map_or_else(
        || "<p>You will get a code to copy into the app.</p>".to_owned(),
        |host| format!("<p>You will go back to <strong>{host}</strong>.</p>"),
    );
    let body = format!(
        "<h1>Connect “{app}” to a practice account?</h1>
<p>The app would like to:</p><ul>{wishes}</ul>
<form method=\"post\" action=\"/oauth2/authorize\">
<input type=\"hidden\" name=\"ticket\" value=\"{}\">
<fieldset><legend>Account</legend>{choices}</fieldset>
<button class=\"allow\" name=\"decision\" value=\"allow\">Allow</button>
<button name=\"decision\" value=\"deny\">Deny</button>
</form>{back}",
        escape(ticket)
    );
    whole("Connect an app", &body)
}

/// Shows the code to an app that has no address to go back to.
pub(crate) fn code(code: &str) -> String {
    whole("Your code", &format!("<h1>Enter this code in the app</h1><p><code id=\"code\">{}</code></p>", escape(code)))
}

/// Says what went wrong.
pub(crate) fn problem(why: &str) -> String {
    whole("Not connected", &format!("<h1>Not connected</h1><p>{}</p>", escape(why)))
}

/// The names in a shared folder.
pub(crate) fn folder(name: &str, names: &[String]) -> String {
    let items: String = names.iter().map(|name| format!("<li>{}</li>", escape(name))).collect();
    whole(name, &format!("<h1>{}</h1><ul>{items}</ul>", escape(name)))
}

/// One account's view of a folder: its name, and the entries with the address of the one to show.
pub(crate) struct View<'a> {
    pub(crate) account: &'a str,
    pub(crate) place: String,
    pub(crate) entries: Vec<(String, Option<String>)>,
}

/// What the accounts hold in one folder. There is no sign-in here, so every account that has the folder is shown.
pub(crate) fn home(folder: &str, views: &[View<'_>]) -> String {
    let mut body = format!("<h1>{}</h1>", if folder.is_empty() { "All files".into() } else { escape(folder) });
    if views.is_empty() {
        body.push_str("<p>No account has this folder.</p>");
    }
    for view in views {
        let items: String = view
            .entries
            .iter()
            .map(|(name, address)| match address {
                Some(address) => {
                    format!(
                        "<li><a href=\"{}\" download=\"{}\">{}</a></li>",
                        escape(address),
                        escape(name),
                        escape(name)
                    )
                }
                None => format!("<li>{}</li>", escape(name)),
            })
            .collect();
        let (account, place) = (escape(view.account), escape(&view.place));
        body.push_str(&format!(
            "<h2>{account}</h2><p>In the folder <code>{place}</code> on this machine:</p><ul>{items}</ul>"
        ));
    }
    whole("Files", &body)
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} – practice stand-in for Dropbox</title>\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body><main>\
<p class=\"practice\">This is a <strong>practice stand-in</strong> for Dropbox, running on your own machine. \
Nothing here reaches dropbox.com, and you need no password.</p>\n{body}\n</main></body></html>\n",
        escape(title)
    )
}

fn wish(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "account_info.read" => "see your name, e-mail address and free space",
        "files.content.read" => "read your files",
        "files.content.write" => "save and delete files",
        "files.metadata.read" => "see the names of your files and folders",
        "files.metadata.write" => "change the names of your files and folders",
        "sharing.read" => "see what you share",
        "sharing.write" => "share your files",
        "file_requests.read" => "see your file requests",
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
