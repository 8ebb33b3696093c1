//! The API by its own description: schemathesis makes thousands of calls of it, right ones and wrong ones, and looks at each answer.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{eventually::eventually, media::clips, person::ADA, site::publish_samples, tools, world::World};

/// Examples of each call in each phase.
const EXAMPLES: &str = "100";
/// So that a failure can be repeated.
const SEED: &str = "20261128";
/// A link that is well-formed and yet names nothing is answered with 422, which no schema can say beforehand.
/// And a server without previews says so with 503, where the link was not looked at before.
const CONFIG: &str = r#"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429]

[[operations]]
include-path = "/plan"

[operations.checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, 503]
"#;
/// Longer than it takes on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(420);

#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_to_its_description_whatever_is_asked() -> Result<()> {
    // Without previews, and later without a worker: nothing that the judge makes up may be asked of the world outside.
    let setup = World::setup().setting("server.previews", "0");
    let (mut world, clips) = (setup.start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let ada = world.person(ADA).await?;
    // Something to be found.
    let job = ada.api.send(&world.site.url("/files/clip.mp4"), "best").await?;
    ada.api.finished(&job.id, LIMIT).await?;
    world.stop_worker(0).await?;

    let description = format!("{}/api/v1/openapi.json", world.web()?);
    let report = world.scratch("schemathesis")?;
    std::fs::write(report.join("schemathesis.toml"), CONFIG)?;
    #[expect(clippy::disallowed_methods, reason = "the judge is a program that ends by itself")]
    let mut judge = tokio::process::Command::new(judge()?);
    judge
        .current_dir(&report)
        .env_clear()
        .envs(tools::environment())
        .args(["run", &description, "--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {}", ada.api.token())])
        // A stream without end.
        .args(["--exclude-path", "/events"])
        .args(["--continue-on-failure", "--generation-database", "none", "--request-timeout", "40"])
        .kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, judge.output()).await.context("schemathesis takes too long")??;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("{}", said.lines().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
    // Nothing that was asked has hurt anything.
    eventually("the server is well", Duration::from_secs(10), async || {
        let (status, _) = ada.api.call(ada.api.request(reqwest::Method::GET, "/jobs")).await?;
        Ok(status.is_success().then_some(()))
    })
    .await?;
    world.end().await
}

/// In the virtual environment of the tests.
fn judge() -> Result<PathBuf> {
    let program = tools::python()?.with_file_name("schemathesis");
    ensure!(program.exists(), "{} is not there: `cargo xtask test` installs it", program.display());
    Ok(program)
}
