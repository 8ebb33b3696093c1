//! Not a test: a house to look at, with a row in each state. Run it by hand:
//! `cargo test -p sluice-web --test it playground -- --ignored --nocapture`, then give the browser the cookie that it prints.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until it is stopped"]
async fn playground() {
    let house = House::with(
        "[server]\nbind = '127.0.0.1:8766'\npractice_folder = '/home/ada/.sluice/dropbox'\n[limits]\nuser_running = 40",
    )
    .await;
    let ada = house.sign_in("Ada").await;
    let ben = house.sign_in("Ben").await;
    house.work();
    for link in [
        "https://site.example/removed?title=A+talk+that+was+taken+down",
        "https://site.example/large?title=Long+film",
        "https://site.example/complete?title=Big+Buck+Bunny",
        "https://site.example/busy?title=Podcast+41",
        "https://site.example/commit?title=Keynote",
        "https://site.example/unknown?title=Evening+lectures+on+the+history+of+canals,+part+12:+locks,+weirs+and+sluices+of+the+northern+rivers",
        "https://site.example/slow?title=Sintel+(trailer)",
        "https://www.site.example/watch/look",
        "https://site.example/same?title=One+address&by=one",
        "https://site.example/list?title=Lectures+on+canals&items=complete,slow,removed,slow,complete,busy,unknown&announced=5000&cut=7",
        "https://site.example/list?title=A+list+with+gaps&items=complete,removed,complete",
        "https://site.example/list?title=A+channel+that+is+being+read&items=complete,complete,slow&announced=1200&open=1",
        "https://site.example/slow?title=A+film+for+later",
    ] {
        ada.send(&house, link).await;
    }
    let later = house.queue.recents(&ada.id, sluice_queue::RecentsQuery::default()).await.unwrap().items.swap_remove(0);
    house.queue.pause(&ada.id, &later.id).await.unwrap();
    ada.send(&house, "https://site.example/same?title=Another+address&by=another").await;
    println!("{}\n{}\n{}", house.base, ada.cookie, ben.cookie);
    std::future::pending::<()>().await;
}
