//! Several connections where one is slow.

use super::{
    site::{Reply, Site},
    *,
};

const SIZE: usize = 4_000_000;

fn eager() -> Tuning {
    Tuning { window: Duration::from_millis(20), worth_splitting: 64 * 1024, ..tuning() }
}

/// Each connection is slow, and so many may be there at once.
async fn slow(file: File, most: usize) -> Site {
    Site::start(move |request| match request.beside {
        beside if beside >= most => Reply::status(429),
        _ => Reply { pause: Duration::from_millis(4), ..file.serve(request) },
    })
    .await
}

fn connections(site: &Site) -> usize {
    site.requests().iter().map(|request| request.connection).max().unwrap() + 1
}

#[tokio::test]
async fn more_connections_are_opened_where_one_is_slow() {
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), usize::MAX).await;
    let source = open(&web(eager()), &format(&site.base), &gate()).await.unwrap();
    let (bytes, failure) = read(&*source, 17, None).await;
    assert_eq!(failure, None);
    same(&bytes, &file.bytes[17..]);
    assert!(connections(&site) > 1);
}

/// A segment takes many windows to come, and nothing of it is given before its turn: what it brings counts all the same.
#[tokio::test]
async fn connections_prove_themselves_before_it_is_their_turn() {
    const SEGMENT: usize = 1_000_000;
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), usize::MAX).await;
    let tuning = Tuning { segment: (SEGMENT as u64, SEGMENT as u64), ..eager() };
    let source = open(&web(tuning), &format(&site.base), &gate()).await.unwrap();
    let (mut stream, mut given) = (source.open(0, None).await.unwrap(), 0);
    while given < SEGMENT * 9 / 10 {
        given += stream.next().await.unwrap().unwrap().len();
    }
    assert!(connections(&site) >= 4, "{} while the first segment comes", connections(&site));
}

#[tokio::test]
async fn without_a_validator_there_is_one_connection_at_a_time() {
    let file = file(SIZE, None);
    let site = slow(file.clone(), usize::MAX).await;
    let source = open(&web(eager()), &format(&site.base), &gate()).await.unwrap();
    same(&read(&*source, 0, None).await.0, &file.bytes);
    assert_eq!(connections(&site), 1);
}

#[tokio::test]
async fn a_site_that_counts_connections_is_obeyed() {
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), 1).await;
    let source = open(&web(eager()), &format(&site.base), &gate()).await.unwrap();
    let (bytes, failure) = read(&*source, 0, None).await;
    assert_eq!(failure, None);
    same(&bytes, &file.bytes);
    assert!(site.requests().iter().any(|request| request.beside > 0));
}

#[tokio::test]
async fn all_memory_is_given_back() {
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), usize::MAX).await;
    let web = web(eager());
    let all = web.ahead().free();
    let source = open(&web, &format(&site.base), &gate()).await.unwrap();
    let mut stream = source.open(0, None).await.unwrap();
    while web.ahead().free() == all {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    assert_eq!(web.ahead().free(), all);
}

#[tokio::test]
async fn without_room_it_goes_on_over_one_connection() {
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), usize::MAX).await;
    let web = web(eager());
    let _all = web.ahead().share().take(0, web.ahead().free()).unwrap();
    let source = open(&web, &format(&site.base), &gate()).await.unwrap();
    let (bytes, failure) = read(&*source, 0, None).await;
    assert_eq!(failure, None);
    same(&bytes, &file.bytes);
}

#[tokio::test]
async fn where_many_streams_are_open_each_has_one_connection() {
    let file = file(SIZE, Some("\"e\""));
    let site = slow(file.clone(), usize::MAX).await;
    let web = web(eager());
    let _others: Vec<_> = (0..1000).map(|_| web.ahead().share()).collect();
    let source = open(&web, &format(&site.base), &gate()).await.unwrap();
    same(&read(&*source, 0, None).await.0, &file.bytes);
    assert_eq!(connections(&site), 1);
}
