//! The pack inside the binary: the files under `rules/`.

use super::SourceFile;

/// Declares the files, so that each is named once.
macro_rules! files {
    ($($path:literal,)*) => {
        /// Every file of the shipped pack: path inside the pack, and text.
        pub const FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../rules/", $path))),)*];
    };
}

files![
    "calendar.toml",
    "examples.toml",
    "guards.toml",
    "mule/m01_pass_through.toml",
    "mule/m01s_pass_through_slow.toml",
    "mule/m02_burst_out.toml",
    "mule/m03_burst_in.toml",
    "mule/m04_probe_then_large.toml",
    "mule/m05_dormant_awakening.toml",
    "mule/m06_new_account_high_volume.toml",
    "mule/m07_gather_in_scatter_out.toml",
    "mule/m07s_gather_in_scatter_out_slow.toml",
    "mule/m08_scatter_in_gather_out.toml",
    "mule/m08s_scatter_in_gather_out_slow.toml",
    "mule/m09_cash_out_after_credit.toml",
    "mule/m10_wallet_top_up_pass.toml",
    "mule/m11_structuring.toml",
    "mule/m12_equal_round_amounts.toml",
    "mule/m13_night_activity.toml",
    "mule/m14_control_violation.toml",
    "mule/m14c_control_violation_credit.toml",
    "mule/m15_zero_balance_cycling.toml",
    "mule/m16_profile_mismatch.toml",
    "mule/m17_enterprise_abnormal_registration.toml",
    "mule/m17a_enterprise_abnormal.toml",
    "mule/m18_corporate_to_personal_drain.toml",
    "mule/m19_salary_camouflage.toml",
    "mule/m19a_unregistered_salary.toml",
    "mule/m19b_salary_passed_on.toml",
    "mule/m20_crypto_otc_pattern.toml",
    "mule/m21_gambling_collection.toml",
    "mule/m22_merchant_code_abuse.toml",
    "mule/m23_value_conversion.toml",
    "mule/m24_overseas_cash_out.toml",
    "mule/m25_frequent_opening.toml",
    "mule/m26_suspicious_opener.toml",
    "mule/m27_hand_over_after_opening.toml",
    "mule/m28_account_handed_over.toml",
    "policy.toml",
    "ring/r01_shared_device.toml",
    "ring/r02_shared_network.toml",
    "ring/r03_impossible_travel.toml",
    "ring/r07_synchronised_movement.toml",
    "ring/r08_common_collector.toml",
    "ring/r08a_new_account_to_one.toml",
    "ring/r09_repeated_similar_pair.toml",
    "ring/r11_listed_party.toml",
    "ring/r13_counterparty_churn.toml",
    "ring/r14_payer_involved.toml",
    "victim/v01_new_payee_large.toml",
    "victim/v02_elderly_drain.toml",
    "victim/v03_repeat_new_payee.toml",
    "victim/v04_escalating_ladder.toml",
    "victim/v05_redemption_then_out.toml",
    "victim/v06_loan_then_out.toml",
    "victim/v07_remote_control_session.toml",
    "victim/v08_new_device_takeover.toml",
    "victim/v09_payee_case_listed.toml",
    "victim/v09s_payee_suspected.toml",
    "victim/v10_payee_name_mismatch.toml",
    "victim/v11_limit_raise_then_pay.toml",
    "victim/v12_corporate_impersonation.toml",
    "victim/v13_retry_after_block.toml",
    "victim/v14_cash_or_gold_exit.toml",
];

/// The shipped pack as source files.
#[must_use]
pub fn files() -> Vec<SourceFile> {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    FILES.iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_compiles() {
        let plan = crate::rules::compile(&files());
        assert!(plan.is_ok(), "{:#?}", plan.err());
    }

    #[test]
    fn it_lists_every_file() {
        fn walk(folder: &std::path::Path, root: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("the folder exists") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else if path.extension().is_some_and(|e| e == "toml") {
                    let inside = path.strip_prefix(root).expect("below the root");
                    found.push(inside.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        let listed: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(listed, found);
    }
}
