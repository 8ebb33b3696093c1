use redis::ConnectionAddr;

use super::*;

fn addresses(servers: &[ConnectionInfo]) -> Vec<String> {
    servers.iter().map(|server| server.addr().to_string()).collect()
}

#[test]
fn sentinels_are_read() {
    let url =
        sentinel("redis", "ada:p%40ss@a:1,b,[::1]:3/my.master-1/4?sentinel_user=eve&sentinel_password=p%2Fw").unwrap();
    assert_eq!(addresses(&url.sentinels), ["a:1", "b:26379", "::1:3"]);
    assert_eq!(url.name, "my.master-1");
    let master = url.master.redis_settings();
    assert_eq!((master.username(), master.password(), master.db()), (Some("ada"), Some("p@ss"), 4));
    for sentinel in &url.sentinels {
        let settings = sentinel.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("eve"), Some("p/w"), 0));
    }
    let plain = sentinel("redis", "a/m").unwrap();
    assert_eq!((plain.master.redis_settings().db(), plain.sentinels[0].redis_settings().password()), (0, None));
}

#[test]
fn nodes_are_read() {
    let nodes = cluster("redis", ":secret@a:1,b,10.0.0.1:7001").unwrap();
    assert_eq!(addresses(&nodes), ["a:1", "b:6379", "10.0.0.1:7001"]);
    assert!(nodes.iter().all(|node| node.redis_settings().password() == Some("secret")));
}

#[test]
fn tls_is_for_all_of_them() {
    let url = sentinel("rediss", "a,b/m").unwrap();
    for server in url.sentinels.iter().chain([&url.master]).chain(&cluster("rediss", "a/").unwrap()) {
        assert!(matches!(server.addr(), ConnectionAddr::TcpTls { insecure: false, .. }), "{:?}", server.addr());
    }
}

#[test]
fn what_cannot_be_read_is_refused_without_being_quoted() {
    let check = |result: Option<StoreError>, url: &str| {
        let Some(error) = result else { panic!("{url} was read") };
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(error.to_string().contains("redis.url"), "{error}");
    };
    for url in [
        "",
        "a",
        "a/",
        "a,,b/m",
        ":hunter2@/m",
        "a/m/x",
        "a/m/0/1",
        "a/m n",
        "a:x/m",
        "a:99999/m",
        "a/m?password=hunter2",
        "a/m#insecure",
        "a/m?sentinel_passwort=hunter2",
    ] {
        check(sentinel("redis", url).err(), url);
    }
    for url in ["", "a/1", "a,,b", "a?x=hunter2", ":hunter2@a:x", "a:hunter2@b:1@c:x", "a#insecure"] {
        check(cluster("redis", url).err(), url);
    }
}
