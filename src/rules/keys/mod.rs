//! The keys of a rule's file, in words: for the language reference and for editors. Those of the
//! other files are in [`files`].

pub mod files;

/// Keys that are explained together.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As the reference shows them.
    pub shown: &'static str,
    /// Their names.
    pub names: &'static [&'static str],
    /// What they mean, in Chinese.
    pub zh: &'static str,
    /// What they mean, in English.
    pub en: &'static str,
}

/// Every key, in the order of a file.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    Key {
        shown: "`id`, `name`, `version`, `code`, `title`",
        names: &["id", "name", "version", "code", "title"],
        zh: "编号、英文名、版本、原因代码、中英文标题",
        en: "`M02`, `burst_out`, `1.0.0`, `BURST_OUT` (reason code), `{ zh, en }`",
    },
    Key {
        shown: "`family`, `weight`",
        names: &["family", "weight"],
        zh: "规则族（见策略文件）与权重 1–100",
        en: "family of the policy, 1 to 100",
    },
    Key {
        shown: "`mode`",
        names: &["mode"],
        zh: "`live`（默认）、`shadow`（只试运行）、`signal`（只留信号，供其他规则查询）、`off`",
        en: "`live` (default), `shadow`, `signal` (leaves a signal for other rules and never alerts), `off`",
    },
    Key {
        shown: "`phases`",
        names: &["phases"],
        zh: "`pre`：支付的首个事件；`post`：结算时；`opening`：开户时",
        en: "`pre`: at the payment's first event; `post`: when it settles; `opening`: when an account is opened",
    },
    Key {
        shown: "`subject`",
        names: &["subject"],
        zh: "由谁的状态判断：`payer`、`payee`、`device`、`network`；开户规则为 `account`、`customer`、`device`、`phone`、`agent`",
        en: "whose state decides: `payer`, `payee`, `device`, `network`; of openings `account`, `customer`, `device`, `phone`, `agent`",
    },
    Key {
        shown: "`about`",
        names: &["about"],
        zh: "结果与信号针对谁的账户：`payer` 或 `payee`；不写则为 subject 一方",
        en: "whose account finding and signal are about: `payer` or `payee`; absent: the subject's",
    },
    Key {
        shown: "`target`",
        names: &["target"],
        zh: "针对谁：`payment`、`payer` 或 `payee`，分别对应仍可拦截与已结算；开户规则两者均为 `opening`",
        en: "`{ held, settled }`: `payment`, `payer` or `payee`, while it can be held and once settled; of openings `opening` for both",
    },
    Key {
        shown: "`guards`",
        names: &["guards"],
        zh: "逐一求值并展示的防误拦规则；`scope = \"all\"` 的防误拦规则适用于 `list` 族以外的所有规则",
        en: "ids of guards that are evaluated and shown; guards with `scope = \"all\"` are, in every rule outside the family `list`",
    },
    Key {
        shown: "`floor`",
        names: &["floor"],
        zh: "单独触发时的措施；不写则由得分决定",
        en: "measure when only this rule fires; absent: the score alone decides",
    },
    Key {
        shown: "`[card]`",
        names: &["card"],
        zh: "说明卡（中英文）：识别什么、不应误伤什么、需要哪些数据、如何调整、有何取舍；生成 `docs/rules/`",
        en: "`catches`, `spares`, `needs`, `tune` and, where the typology leaves a choice, `choices`, each `{ zh, en }`; `docs/rules/` is printed from it",
    },
    Key {
        shown: "`[params]`",
        names: &["params"],
        zh: "参数：整数、小数、时长、带 `unit = \"CNY\"` 的金额、词表；`by_grade = { high = \"3000.00\" }` 为某风险等级另设值",
        en: "`name = { value, unit, doc, by_grade }`: whole number, fraction, `\"10m\"`, amount with `unit = \"CNY\"`, list of words; `by_grade = { high = \"3000.00\" }` takes another value for accounts of a grade: the subject's account; of a customer, device or network the account that pays (a payee's customer: is paid)",
    },
    Key {
        shown: "`[features]`",
        names: &["features"],
        zh: "命名表达式；可引用其上方的特征",
        en: "named expressions; a feature may use those above it",
    },
    Key {
        shown: "`[when]`",
        names: &["when"],
        zh: "`alert`：触发条件；`balance_unknown`：标记缺少余额的结果",
        en: "`alert`: the condition; `balance_unknown`: marks the finding",
    },
    Key {
        shown: "`[[escalate]]`",
        names: &["escalate"],
        zh: "满足进一步条件时的更强措施或权重",
        en: "`when`, `floor`, `weight`: a stronger floor under a further condition",
    },
    Key {
        shown: "`[[support]]`",
        names: &["support"],
        zh: "同一事件链中另有这些规则或规则族时的更强措施",
        en: "`rules`, `families`, `floor`: a stronger floor when these fire in the same episode",
    },
    Key {
        shown: "`[text]`",
        names: &["text"],
        zh: "中英文原因文字，用花括号引用特征、参数或表达式；禁止直接写数字",
        en: "`zh`, `en`: words with `{feature}`, `{param}` or `{expression}`; digits are refused",
    },
    Key {
        shown: "`[[examples]]`",
        names: &["examples"],
        zh: "示例：至少两个触发、两个不触发；`zh` 为中文名；可注明 `removed`、`floor=review`、`weight=35`",
        en: "`name`, `zh` (its name in Chinese, for the pages in Chinese), `given`, `expect`: at least two that fire and two that do not; `\"10:04 M02 A\"`, after it `removed`, `floor=review`, `weight=35` where that matters",
    },
    Key {
        shown: "`[[lint.allow]]`",
        names: &["lint.allow"],
        zh: "有意为之的检查提示",
        en: "`code`, `about`, `reason`: a remark of `rules lint` that is meant to be so",
    },
];
