//! What the kernel holds yt-dlp and ffmpeg to, tried on the spot.

use sluice_runtime::Settings;
use sluice_wiring::{Containment, containment};

use super::check::Check;

const MEND: &str = "run Linux 6.12 or newer with Landlock, as another user than root, and let users make user namespaces \
                    (user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns); where that cannot be, as in most containers, \
                    bound the workers from outside: see \"What is enforced where\" in docs/operator.md";

pub(super) async fn check(settings: &Settings) -> Check {
    match containment(settings).await {
        Ok(Some(containment)) => judge(containment),
        Ok(None) => Check::warning("containment", "the programs' launcher does not tell what it holds them to", MEND),
        // The programs have checks of their own, which say how to mend it.
        Err(error) => Check::warning("containment", format!("not tried: {error}"), "mend the programs first"),
    }
}

fn judge(containment: Containment) -> Check {
    let gaps = containment.gaps();
    if gaps.is_empty() {
        Check::good("containment", containment.to_string())
    } else {
        Check::warning("containment", format!("{containment}; {}", gaps.join("; ")), MEND)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn what_is_not_held_is_said() {
        let all = Containment { own_network: true, by_root: false, landlock: 7, calls_filtered: true };
        assert_eq!(judge(all).verdict, Verdict::Good);
        for (less, said) in [
            (Containment { by_root: true, ..all }, "number of a child's processes"),
            (Containment { own_network: false, landlock: 3, ..all }, "could go around it"),
            (Containment { landlock: 0, ..all }, "could read what this user can read"),
            (Containment { landlock: 5, ..all }, "could send signals"),
            (Containment { calls_filtered: false, ..all }, "leave their process group"),
        ] {
            let check = judge(less);
            assert!(check.verdict == Verdict::Warning && check.found.contains(said), "{check:?}");
        }
    }
}
