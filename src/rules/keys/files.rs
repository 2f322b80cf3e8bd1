//! The keys of the other files of a pack: policy, guards, calendar, and what an overlay has.

use super::Key;

/// A file of a pack, with its keys.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its heading.
    pub heading: &'static str,
    /// What it is, in Chinese.
    pub zh: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// Its keys, in the usual order.
    pub keys: &'static [Key],
}

/// Every file but a rule's, in the order of the reference.
pub const FILES: &[File] = &[GUARDS, POLICY, CALENDAR, MANIFEST, CHANGE];

/// Remarks that guards or a policy allow themselves.
const LINT_ALLOW: Key = Key {
    shown: "`[[lint.allow]]`",
    names: &["lint"],
    zh: "有意为之的检查提示：`code`、`about`、`reason`",
    en: "`code`, `about`, `reason`: a remark of `rules lint` that is meant to be so",
};

/// `guards.toml`
#[rustfmt::skip]
pub const GUARDS: File = File {
    heading: "guards.toml",
    zh: "防误拦规则：`[[guards]]` 每个一条，规则用 `guards = [\"G1\"]` 引用；也可分写在 `guards` 文件夹的多个文件中。叠加包可以增加自己的防误拦规则（编号不得与已有的相同），但不能修改随附的。",
    en: "What makes a finding mean less, one `[[guards]]` each; rules name them, as `guards = [\"G1\"]`. Several files in a folder `guards` do as well. An overlay may add guards of its own (with ids that are not taken) and cannot change shipped ones.",
    keys: &[
        Key { shown: "`id`", names: &["id"], zh: "编号，如 `G1`", en: "as `G1`" },
        Key { shown: "`title`", names: &["title"], zh: "中英文名称", en: "`{ zh, en }`" },
        Key {
            shown: "`when`",
            names: &["when"],
            zh: "条件表达式；可查询支付、账户、名单等，不能查询信号，没有参数和特征",
            en: "the condition: an expression without parameters and features; it cannot ask about signals",
        },
        Key {
            shown: "`effect`",
            names: &["effect"],
            zh: "`remove`：剔除结果；`lower`：权重减半并取消其 `floor`",
            en: "`remove`: the finding is removed; `lower`: its weight is halved and its floor taken",
        },
        Key {
            shown: "`scope`",
            names: &["scope"],
            zh: "`all`：适用于 `list` 族以外的所有规则，不必逐一引用；不写则只用于引用它的规则",
            en: "`all`: holds for every rule outside the family `list` without being named; absent: for the rules that name it",
        },
        LINT_ALLOW,
    ],
};

/// `policy.toml`
#[rustfmt::skip]
pub const POLICY: File = File {
    heading: "policy.toml",
    zh: "从结果到措施。完整的规则包必须有一个；叠加包中的 `policy.toml` 只写不同之处，除 `pack` 外的键均可修改：表逐键合并，列表（`bands`、`festivals`）整体替换。",
    en: "From findings to measures. A pack needs one. The `policy.toml` of an overlay holds only what is different, of every key but `pack`: tables are joined key by key, lists (`bands`, `festivals`) take the place of what was there.",
    keys: &[
        Key {
            shown: "`[pack]`",
            names: &["pack"],
            zh: "`id`、`version`、`currency`（金额的币种）、`country`（本国；可不写）",
            en: "`id`, `version`, `currency` of all amounts, `country` (home; may be left out)",
        },
        Key {
            shown: "`[families]`",
            names: &["families"],
            zh: "各规则族对得分的上限（1–100）；`weak` 须低于最低档，弱信号不能单独告警",
            en: "what the rules of a family add to the score at most, 1 to 100; `weak` stays below the lowest band: weak signals never alert alone",
        },
        Key {
            shown: "`[[bands]]`",
            names: &["bands"],
            zh: "`from`：起始得分；`account`、`payment`：对账户、对仍可拦截的支付所请求的措施。得分与措施须逐档上升",
            en: "`from` a score on the measure on an `account`, and on a `payment` that can still be held; scores and measures rise",
        },
        Key {
            shown: "`[episodes]`",
            names: &["episodes"],
            zh: "`cool_down`：两次更新之间的间隔（升级不等）；`idle`：无新结果多久后事件链结束",
            en: "`cool_down`: between two updates of an alert (escalations never wait); `idle`: an episode ends so long after its last finding",
        },
        Key {
            shown: "`[measures]`",
            names: &["measures"],
            zh: "`freeze_proposal_from`：从此得分起建议有权机关冻结（可不写）；`act_within`：处置时限；`stop_duration`、`stop_extensions_max`：止付时长与可延长次数；`delay_duration`：延迟到账时长",
            en: "`freeze_proposal_from` a score on (may be left out) a freeze is proposed to the authority; `act_within`; `stop_duration` and `stop_extensions_max`; `delay_duration`",
        },
        Key {
            shown: "`[breaker]`",
            names: &["breaker"],
            zh: "熔断：`window` 内强措施超过 `strong_max`，或超过当日活跃账户的 `share_max`（自 `share_from` 个起计），其后只发 `review` 并注明",
            en: "above `strong_max` strong measures within `window`, or above `share_max` of the day's active accounts (from `share_from` measures on), further ones are published as `review` and marked",
        },
        Key {
            shown: "`[[festivals]]`",
            names: &["festivals"],
            zh: "`name`、`from`、`to`：发红包的节日（`payment.is_festival`）",
            en: "`name`, `from`, `to`: days on which people give (`payment.is_festival`)",
        },
        Key {
            shown: "`[customer_reasons.MEASURE]`",
            names: &["customer_reasons"],
            zh: "对客户的说明，按措施，`zh` 与 `en`",
            en: "what the customer is told, by measure, `zh` and `en`",
        },
        Key {
            shown: "`[external_codes]`",
            names: &["external_codes"],
            zh: "本机构的代码，按原因代码：`BURST_OUT = \"1204\"`；随告警以 `external_code` 发出",
            en: "your own codes, by reason code: `BURST_OUT = \"1204\"`; alerts carry them as `external_code`",
        },
        LINT_ALLOW,
    ],
};

/// `calendar.toml`
#[rustfmt::skip]
pub const CALENDAR: File = File {
    heading: "calendar.toml",
    zh: "节假日与调休上班日，供工作日窗口（`5wd`）使用。叠加包的日历是补充，不替换随附的年份。",
    en: "Public holidays and the weekends on which people work, for windows in working days (`5wd`). The calendar of an overlay adds to the shipped one.",
    keys: &[
        Key {
            shown: "`[[holidays]]`",
            names: &["holidays"],
            zh: "`name`、`from`、`to`（含首尾两日）",
            en: "`name`, `from`, `to`, both days included",
        },
        Key {
            shown: "`[[workdays]]`",
            names: &["workdays"],
            zh: "`name`、`day`：上班的周末",
            en: "`name`, `day`: a Saturday or Sunday on which people work",
        },
    ],
};

/// `manifest.toml`
#[rustfmt::skip]
pub const MANIFEST: File = File {
    heading: "manifest.toml (of an overlay)",
    zh: "叠加包是规则包旁的一个文件夹，内有 `manifest.toml`；其中的文件修改随附的规则，或增加自己的规则。见 `docs/overlays.zh-CN.md`。",
    en: "An overlay is a folder beside a pack that holds a `manifest.toml`; its other files change shipped rules or add rules of its own. See `docs/overlays.md`.",
    keys: &[
        Key { shown: "`name`", names: &["name"], zh: "名称", en: "what it is called" },
        Key { shown: "`author`", names: &["author"], zh: "作者", en: "who wrote it" },
        Key {
            shown: "`approver`",
            names: &["approver"],
            zh: "复核人，须与作者不同；只改文字、或规则都停留在 `shadow` 或 `off` 时可以没有",
            en: "who approved it, somebody else than the author: needed unless only words are changed, or rules stay in `shadow` or `off`",
        },
        Key {
            shown: "`valid_from`",
            names: &["valid_from"],
            zh: "生效日期，如 `2026-12-01`",
            en: "the day from which it holds, as `2026-12-01`",
        },
        Key { shown: "`doc`", names: &["doc"], zh: "说明（可不写）", en: "remarks; may be left out" },
    ],
};

/// A file of an overlay that changes a rule.
#[rustfmt::skip]
pub const CHANGE: File = File {
    heading: "A change of a rule (in an overlay)",
    zh: "叠加包中含 `changes` 的文件；文件名任意。只写不同之处。条件、特征、措施和防误拦规则不能这样修改：请另写一条规则，并将原规则设为 `mode = \"off\"`。同一个键不能被两个叠加包修改。",
    en: "A file of an overlay with the key `changes`, under any name. It holds only what is different. Condition, features, measures and guards cannot be changed so: write a rule of your own and set `mode = \"off\"` for this one. No key is changed by two overlays.",
    keys: &[
        Key { shown: "`changes`", names: &["changes"], zh: "所改规则的编号，如 `M02`", en: "the rule's id, as `M02`" },
        Key { shown: "`mode`, `weight`", names: &["mode", "weight"], zh: "取代原值", en: "take the place of the rule's own" },
        Key {
            shown: "`[params]`",
            names: &["params"],
            zh: "只能改已有的参数：简写 `min_sum = \"20000.00\"` 只改值；或 `min_sum = { value = \"20000.00\", doc = \"…\", by_grade = { high = \"5000.00\" } }`，写其中任意几项",
            en: "parameters that the rule has: in short `min_sum = \"20000.00\"`, which changes the value only, or any of `min_sum = { value = \"20000.00\", doc = \"…\", by_grade = { high = \"5000.00\" } }`",
        },
        Key {
            shown: "`title`, `[text]`",
            names: &["title", "text"],
            zh: "可只改一种语言",
            en: "one language alone may be changed",
        },
        Key {
            shown: "`[[examples]]`",
            names: &["examples"],
            zh: "整体取代原有示例：参数改变后，原示例往往不再成立",
            en: "take the place of the rule's own, which often come out otherwise when a parameter is changed",
        },
        Key { shown: "`[[lint.allow]]`", names: &["lint"], zh: "整体取代原有", en: "takes the place of the rule's own" },
    ],
};
