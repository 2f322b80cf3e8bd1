//! The language of examples as one table: every sort of line with every option. The reader of lines
//! takes options by it, `rules/README.md` and editors' descriptions are printed from it, and hints
//! list it.

use crate::model::entity::EntityKind;
use crate::model::event::{
    AccountClass, AccountEventKind, Category, Channel, CustomerType, FeedbackStage, ListCategory,
    ListLevel, ListOp, OpeningReason, PayeeCheck, PaymentStatus, PaymentType, RegistryStatus,
    RiskGrade, Verdict,
};
use crate::model::measure::Action;
use crate::rules::catalogue::SESSION_BITS;
use crate::rules::diagnostics::did_you_mean;

/// The words of a closed set.
pub type WordList = fn() -> Vec<&'static str>;

/// An option of a line: `name=value`.
#[derive(Debug)]
pub struct Opt {
    /// What stands before the `=`.
    pub name: &'static str,
    /// A value it may have.
    pub sample: &'static str,
    /// The words it takes, where only certain words will do.
    pub words: Option<WordList>,
    /// What it means, in Chinese.
    pub zh: &'static str,
    /// What it means, in English.
    pub en: &'static str,
}

/// A sort of line.
#[derive(Debug)]
pub struct Form {
    /// What it is called in messages.
    pub called: &'static str,
    /// Its words.
    pub written: &'static str,
    /// One such line.
    pub example: &'static str,
    /// Words that stand in it, where only certain words will do.
    pub words: &'static [(&'static str, WordList)],
    /// What it means, in Chinese.
    pub zh: &'static str,
    /// What it means, in English.
    pub en: &'static str,
    /// What may follow.
    pub options: &'static [Opt],
    /// What may follow of each party: of the payer as it is, of the payee with [`OF_PAYEE`] before
    /// it.
    pub of_parties: &'static [Opt],
}

/// Before an option of a party that is the payee's.
pub const OF_PAYEE: &str = "payee.";

/// What a list entry may be about.
pub(super) const SUBJECT_KINDS: &[(&str, EntityKind)] = &[
    ("account", EntityKind::Account),
    ("customer", EntityKind::Customer),
    ("device", EntityKind::Device),
    ("ip", EntityKind::Address),
    ("phone", EntityKind::Phone),
];
/// What may be done with a list entry.
pub(super) const OPERATIONS: &[(&str, ListOp)] =
    &[("upsert", ListOp::Upsert), ("expire", ListOp::Expire)];

macro_rules! words {
    ($set:expr) => {
        || $set.iter().map(|(word, _)| *word).collect()
    };
}

const fn opt(name: &'static str, sample: &'static str, zh: &'static str, en: &'static str) -> Opt {
    Opt { name, sample, words: None, zh, en }
}

const fn one_of(
    name: &'static str,
    sample: &'static str,
    words: WordList,
    zh: &'static str,
    en: &'static str,
) -> Opt {
    Opt { name, sample, words: Some(words), zh, en }
}

/// A payment, or several.
#[rustfmt::skip]
pub const PAYMENT: Form = Form {
    called: "a payment",
    written: "PAYER -> PAYEE AMOUNT",
    example: "10:00 A -> B 4900 balance=112.00",
    words: &[],
    zh: "一笔支付；`A -> B,C,D 4900 every=1m` 为每个收款人一笔（付款人同理）",
    en: "a payment; `A -> B,C,D 4900 every=1m` is one to each payee (or from each payer)",
    options: &[
        opt("every", "30s", "多个对手时每笔的间隔", "time between the payments to, or from, several parties"),
        opt("id", "p1", "支付编号；同一编号的后续行为该支付的后续状态", "the payment's id: a later line with it is the same payment's next status"),
        one_of("status", "settled", words!(PaymentStatus::WORDS), "状态；不写为 `settled`", "status; absent: `settled`"),
        one_of("payment_type", "transfer", words!(PaymentType::WORDS), "支付类型；不写为 `transfer`", "how money moves; absent: `transfer`"),
        one_of("channel", "mobile", words!(Channel::WORDS), "渠道；不写为 `mobile`", "where it was ordered; absent: `mobile`"),
        one_of("category", "salary", words!(Category::WORDS), "用途类别", "what it is for"),
        one_of("check", "match", words!(PayeeCheck::WORDS), "收款人户名核对结果", "outcome of the name check"),
        one_of("session", "screen_share,in_call", words!(SESSION_BITS), "会话标志，可用逗号列出多个；`none`：有会话而无标志", "session flags, several with commas; `none`: a session without a flag"),
        opt("currency", "USD", "币种；不写为规则包的币种", "currency; absent: the pack's"),
        opt("mcc", "5944", "商户类别码", "merchant category code"),
        opt("device", "d1", "付款设备", "the device it was ordered on"),
        opt("ip", "203.0.113.7", "网络地址", "network address"),
        opt("wifi", "w1", "无线网络", "wireless network"),
        opt("terminal", "t1", "终端", "the terminal"),
        opt("at", "36.0671,120.3826", "终端位置：纬度,经度[,误差公里]", "where the terminal stands: latitude,longitude[,uncertain by km]"),
        opt("device_at", "36.0671,120.3826,1.5", "设备位置", "where the device is"),
        opt("country", "CN", "终端所在国家", "the terminal's country"),
        opt("device_country", "HK", "设备所在国家", "the device's country"),
    ],
    of_parties: &[
        opt("customer", "cus-1", "客户号；不写则账户 `A` 属于 `cus-A`，`none` 为未知", "customer; absent: account `A` belongs to `cus-A`; `none`: not known"),
        one_of("type", "person", words!(CustomerType::WORDS), "客户类型；不写为 `person`，`none` 为未知", "kind of customer; absent: `person`; `none`: not known"),
        opt("name", "li", "户名", "name"),
        opt("id_token", "t-1", "证件标识", "token of the identity document"),
        opt("balance", "112.00", "交易后账面余额", "booked balance after the payment"),
        opt("available", "112.00", "交易后可用余额", "available balance after the payment"),
        one_of("class", "I", words!(AccountClass::WORDS), "账户类别", "class of the account"),
        opt("opened", "-6d", "开户时间", "when the account was opened"),
        one_of("grade", "high", words!(RiskGrade::WORDS), "风险等级", "risk grade"),
        opt("age", "67", "年龄", "age in years"),
        opt("income", "8000", "申报月收入", "declared monthly income"),
    ],
};

/// A list entry.
#[rustfmt::skip]
pub const LIST: Form = Form {
    called: "a list entry",
    written: "list SUBJECT CATEGORY [LEVEL]",
    example: "-2d 09:00 list Q case_account confirmed_case from=-9d to=-1d",
    words: &[("CATEGORY", words!(ListCategory::WORDS)), ("LEVEL", words!(ListLevel::WORDS))],
    zh: "名单条目",
    en: "an entry of a list",
    options: &[
        one_of("kind", "account", words!(SUBJECT_KINDS), "对象种类；不写为 `account`", "what the subject is; absent: `account`"),
        one_of("op", "upsert", words!(OPERATIONS), "操作；不写为 `upsert`", "what is done with it; absent: `upsert`"),
        opt("with", "B", "仅在双方之间有效", "it holds only between the two"),
        opt("from", "-9d", "生效时间", "from when it is valid"),
        opt("to", "-1d", "失效时间", "until when"),
        opt("author", "an", "录入人", "who entered it"),
        opt("approver", "ap", "复核人", "who approved it"),
    ],
    of_parties: &[],
};

/// A control that came into force.
#[rustfmt::skip]
pub const CONTROL: Form = Form {
    called: "a control",
    written: "control ACCOUNT MEASURE",
    example: "09:00 control A credit_only from=0d+09:00",
    words: &[("MEASURE", words!(Action::WORDS))],
    zh: "已生效的管控措施",
    en: "a control in force",
    options: &[
        opt("id", "c1", "管控编号；后续行以此解除或变更", "its id: a later line with it changes or ends it"),
        opt("from", "-1d", "生效时间；不写为本行时间", "from when; absent: the line's time"),
        opt("to", "1d+09:00", "到期时间", "until when"),
        opt("released", "0d+12:00", "解除时间", "when it was released"),
    ],
    of_parties: &[],
};

/// An event of an account.
#[rustfmt::skip]
pub const ACCOUNT: Form = Form {
    called: "an account event",
    written: "account ACCOUNT EVENT",
    example: "-6d 09:00 account A opened type=person",
    words: &[("EVENT", words!(AccountEventKind::WORDS))],
    zh: "账户事件：开户、改限额、换设备等",
    en: "something that happened to an account: opened, a limit changed, a device bound …",
    options: &[
        opt("customer", "cus-1", "客户号；不写为 `cus-账户`", "customer; absent: account `A` belongs to `cus-A`"),
        one_of("type", "person", words!(CustomerType::WORDS), "客户类型", "kind of customer"),
        one_of("class", "II", words!(AccountClass::WORDS), "账户类别", "class of the account"),
        one_of("grade", "high", words!(RiskGrade::WORDS), "风险等级", "risk grade"),
        one_of("reason", "replacement", words!(OpeningReason::WORDS), "开户原因", "why it is opened"),
        opt("device", "d1", "开户设备", "the device it was opened on"),
        opt("phone", "ph1", "电话", "telephone"),
        opt("agent", "ag1", "代办人", "agent"),
        opt("branch", "br1", "网点", "branch"),
        opt("at", "36.0671,120.3826", "开户地点", "where it was opened"),
        opt("before", "50000", "原限额", "the limit before"),
        opt("after", "200000", "新限额", "the limit after"),
    ],
    of_parties: &[],
};

/// What the register of enterprises says.
#[rustfmt::skip]
pub const REGISTRY: Form = Form {
    called: "a registry event",
    written: "registry CUSTOMER STATUS",
    example: "09:00 registry cus-A cancelled as_of=-4d",
    words: &[("STATUS", words!(RegistryStatus::WORDS))],
    zh: "企业登记状态",
    en: "what the register of enterprises says",
    options: &[opt("as_of", "-4d", "登记状态的日期", "since when")],
    of_parties: &[],
};

/// What became of an alert.
#[rustfmt::skip]
pub const FEEDBACK: Form = Form {
    called: "feedback",
    written: "feedback PAYER STAGE",
    example: "10:05 feedback A executed action=stop_payment payment=p1 payee=B",
    words: &[("STAGE", words!(FeedbackStage::WORDS))],
    zh: "银行对告警的反馈",
    en: "what the bank did and found out",
    options: &[
        one_of("action", "stop_payment", words!(Action::WORDS), "执行的措施", "the measure that was taken"),
        one_of("verdict", "victim_confirmed", words!(Verdict::WORDS), "核实结论", "what was found out"),
        opt("payee", "B", "收款账户", "the payee's account"),
        opt("payment", "p1", "支付编号", "the payment's id"),
    ],
    of_parties: &[],
};

/// Time passes.
#[rustfmt::skip]
pub const TICK: Form = Form {
    called: "a tick",
    written: "tick",
    example: "12:00 tick",
    words: &[],
    zh: "时间流逝至此：等待“其后没有”的规则由此判断",
    en: "time has passed until then: rules that wait for what does not happen are judged",
    options: &[],
    of_parties: &[],
};

/// Every sort of line.
pub const FORMS: &[&Form] = &[&PAYMENT, &LIST, &CONTROL, &ACCOUNT, &REGISTRY, &FEEDBACK, &TICK];

/// What may follow an expected finding.
#[rustfmt::skip]
pub const EXPECTED: &[Opt] = &[
    one_of("floor", "review", words!(Action::WORDS), "单独触发时请求的措施（含加强与防误拦）；`none` 为不请求", "the measure that the finding asks for on its own, escalations and guards included; `none`: none"),
    opt("weight", "35", "权重", "its weight"),
];

impl Form {
    /// The option of a name, with `payee.` before it or not.
    pub(super) fn option(&self, name: &str) -> Option<&'static Opt> {
        let of_party = name.strip_prefix(OF_PAYEE).unwrap_or(name);
        let own = self.options.iter().find(|opt| opt.name == name);
        own.or_else(|| self.of_parties.iter().find(|opt| opt.name == of_party))
    }

    /// What to write instead of an option that is not there.
    pub(super) fn known_options(&self, unknown: &str) -> String {
        let names = || self.options.iter().chain(self.of_parties).map(|opt| opt.name);
        let bare = unknown.strip_prefix(OF_PAYEE).unwrap_or(unknown);
        let meant = did_you_mean(bare, names()).map_or(String::new(), |meant| format!("{meant} "));
        let all: Vec<&str> = names().collect();
        if all.is_empty() {
            return format!("{} has no options", self.called);
        }
        let payees = match self.of_parties.is_empty() {
            true => String::new(),
            false => format!(
                "; those from `{}` on also of the payee, as `{OF_PAYEE}{}=…`",
                self.of_parties[0].name, self.of_parties[0].name
            ),
        };
        format!("{meant}known options of {} are: {}{payees}", self.called, all.join(", "))
    }
}
