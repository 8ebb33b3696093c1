//! Text from foreign programs, made fit for a log.

use std::borrow::Cow;

/// Cuts the query, fragment and credentials from every `http(s)` URL in a text: signed links carry secrets there.
pub(crate) fn redact_urls(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ']' | ',' | ';');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find(ends).unwrap_or(after.len());
        let (address, tail) = after.split_at(end);
        let (host_and_path, cut) = match address.find(['?', '#']) {
            Some(at) => (&address[..at], "?…"),
            None => (address, ""),
        };
        let host_end = host_and_path.find('/').unwrap_or(host_and_path.len());
        let host = host_and_path[..host_end].rsplit('@').next().unwrap_or_default();
        out.push_str(before);
        out.push_str(host);
        out.push_str(&host_and_path[host_end..]);
        out.push_str(cut);
        rest = tail;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_cut() {
        let check = |text: &str, want: &str| assert_eq!(redact_urls(text), want);
        check("no url", "no url");
        check("got https://a.example/v?sig=1, then", "got https://a.example/v?…, then");
        check("https://u:p@a.example/x", "https://a.example/x");
        check("two http://a/?1 http://b/#2", "two http://a/?… http://b/?…");
        check("ends https://", "ends https://");
    }
}
