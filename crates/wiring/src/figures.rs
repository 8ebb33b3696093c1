//! What was decided about addresses, for Prometheus: the same words in every process.

use std::fmt::Write as _;

use sluice_egress::Egress;

/// The counters of this process, in Prometheus's text format.
#[must_use]
pub fn egress_figures(egress: &Egress) -> String {
    let (dialled, refused) = egress.figures();
    let mut out = String::from(
        "# HELP sluice_egress_dialled_total Addresses that this process and its programs were let through to.\n\
         # TYPE sluice_egress_dialled_total counter\n",
    );
    // Writing to a String cannot fail.
    let _ = writeln!(out, "sluice_egress_dialled_total {dialled}");
    out.push_str(
        "# HELP sluice_egress_refused_total Addresses that they were not let through to, by reason.\n\
         # TYPE sluice_egress_refused_total counter\n",
    );
    for (reason, count) in refused {
        let _ = writeln!(out, "sluice_egress_refused_total{{reason=\"{reason}\"}} {count}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn decisions_are_told_by_reason() {
        let egress = Egress::default();
        for _ in 0..2 {
            egress.judge(&"http://127.0.0.1/".parse().unwrap()).await.unwrap_err();
        }
        let told = egress_figures(&egress);
        assert!(told.contains("sluice_egress_dialled_total 0\n"), "{told}");
        assert!(told.contains("sluice_egress_refused_total{reason=\"loopback\"} 2\n"), "{told}");
    }
}
