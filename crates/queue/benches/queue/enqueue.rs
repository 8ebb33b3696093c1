//! How fast jobs are taken.

use std::time::Instant;

use crate::house::{ALL, House, IN_FLIGHT};

const ONE_BY_ONE: usize = 5_000;
const MANY: usize = 50_000;

pub(crate) async fn run() {
    let house = House::new(ALL).await;
    let begun = Instant::now();
    for _ in 0..ONE_BY_ONE {
        house.send().await;
    }
    let one_by_one = ONE_BY_ONE as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    house.fill(MANY).await;
    let many = MANY as f64 / begun.elapsed().as_secs_f64();
    println!("\nenqueue                                               jobs/s");
    println!("  {:<45} {one_by_one:>12.0}", "one by one");
    println!("  {:<45} {many:>12.0}", format!("{IN_FLIGHT} in flight"));
}
