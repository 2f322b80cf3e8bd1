//! The table itself: every field and function, with types, unit and words.

use super::{Arg, Gives, Makes, Member, Owner, WordSet};
use crate::limits;
use crate::rules::plan::feature::PaymentField;
use crate::rules::plan::program::Type;
use crate::rules::plan::view::{Direction, Role};

/// Every field and function.
#[rustfmt::skip]
pub const MEMBERS: &[Member] = {
    use Direction::{Credit, Debit};
    use Makes as M;
    use Owner as O;
    use PaymentField as P;
    &[
    field(O::Payment, "amount", MONEY, M::Field(P::Amount), "金额；其他币种时缺值", "amount; missing in another currency than the pack's"),
    field(O::Payment, "status", Gives::Word(WordSet::Status), M::Field(P::Status), "支付状态", "status of this event"),
    field(O::Payment, "payment_type", Gives::Word(WordSet::PaymentType), M::Field(P::PaymentType), "支付类型", "how money moves"),
    field(O::Payment, "channel", Gives::Word(WordSet::Channel), M::Field(P::Channel), "渠道", "where it was ordered"),
    field(O::Payment, "category", Gives::Word(WordSet::Category), M::Field(P::Category), "用途类别；未给出时缺值", "what it is for; missing when not given"),
    field(O::Payment, "payee_check", Gives::Word(WordSet::PayeeCheck), M::Field(P::PayeeCheck), "收款人户名核对结果；未给出时缺值", "outcome of the name check; missing when not given"),
    field(O::Payment, "own_transfer", BOOL, M::Field(P::OwnTransfer), "收付双方为同一人：客户号相同，或证件号与户名都相同", "both sides are one holder: same customer token, or same identity token and name"),
    field(O::Payment, "same_account", BOOL, M::Field(P::SameAccount), "收付为同一账户", "payer and payee are one account"),
    call(O::Payment, "is_multiple_of", &[Arg::Step], BOOL, M::IsMultipleOf, "金额是否为其整数倍；其他币种时缺值", "whether the amount is a multiple of this; missing in another currency than the pack's"),
    call(O::Payment, "between", &[Arg::Clock, Arg::Clock], BOOL, M::IsBetween, "当地时间是否在此区间内（含起点，不含终点，可跨午夜）", "whether it happens at these hours of the local day, start included, end not; may pass midnight"),
    field(O::Payment, "is_festival", BOOL, M::Field(P::IsFestival), "当日是否为策略文件列出的节日", "whether the day belongs to a festival of the policy"),
    field(O::Payment, "is_abroad", BOOL, M::Field(P::IsAbroad), "终端所在国家不是策略文件的本国；任一未知时缺值", "the terminal stands in another country than the policy's; missing when either is not known"),
    field(O::Payment, "is_goods", BOOL, M::Field(P::IsGoods), "商户类别为黄金珠宝、话费充值、礼品卡、游戏或加油卡等可变现商品；无商户类别码时缺值", "the merchant sells what is as good as money: gold, top-ups, gift, game, fuel cards; missing without a merchant category"),
    field(O::Opening, "reason", Gives::Word(WordSet::OpeningReason), M::Field(P::OpeningReason), "开户原因：换卡、社保卡、医保卡、监护人代办；未给出时缺值", "why the account is opened: replacement, social security, medical, by a guardian; missing when not given"),

    call(O::Payment, "session", &[Arg::SessionFlag], BOOL, M::Session, "会话标志；无会话信息时缺值", "whether the session carries the flag; missing when the record has no session"),

    field(O::Account, "balance_after", MONEY, M::SideField(balance_after), "交易后账面余额；未给出时缺值", "booked balance after the payment; missing when not given"),
    field(O::Account, "available_after", MONEY, M::SideField(available_after), "交易后可用余额；未给出时缺值", "available balance after the payment; missing when not given"),
    field(O::Account, "age_years", INT, M::SideField(payer_age), "付款人年龄（仅 payer）", "holder's age in years (payer only); missing when not given"),
    field(O::Account, "income_monthly", MONEY, M::SideField(income), "申报月收入；未给出时缺值", "holder's declared monthly income; missing when not given"),
    field(O::Account, "grade", Gives::Word(WordSet::Grade), M::Grade, "账户风险等级；未知时缺值", "the bank's grade of the account; missing when unknown"),
    field(O::Account, "customer_type", Gives::Word(WordSet::CustomerType), M::CustomerType, "客户类型；未知时缺值", "kind of customer; missing when unknown"),
    field(O::Account, "account_class", Gives::Word(WordSet::AccountClass), M::AccountClass, "账户类别；未知时缺值", "class of the account; missing when unknown"),
    call(O::Account, "debits", &[Arg::Window], Gives::Record(O::Entries), M::Entries(Debit), "窗口内转出，含本笔", "money out in the window, this payment included"),
    call(O::Account, "credits", &[Arg::Window], Gives::Record(O::Entries), M::Entries(Credit), "窗口内转入，含本笔", "money in in the window, this payment included"),
    call(O::Account, "flow", &[Arg::Window], Gives::Record(O::Flow), M::Flow, "窗口内转入与转出", "money in and out in the window"),
    call(O::Account, "idle_before", &[Arg::Window], DURATION, M::IdleBefore, "窗口开始前已无转出多久；无更早转出时缺值", "how long before the window's start the last debit lies; missing when no earlier debit is known"),
    call(O::Account, "history", &[DAYS], Gives::Record(O::History), M::History, "按自然日的长期统计，不含本笔", "long memory in calendar days, today included, this payment not"),
    call(O::Account, "age_days", &[], INT, M::Age, "开户天数；未知时缺值", "whole days since the account was opened; missing when unknown"),
    call(O::Account, "signals", &[Arg::Rule, Arg::Window], Gives::Record(O::Signals), M::Signals, "窗口内某规则针对该账户的信号（规则触发即留下信号）", "signals of a rule about the account in the window: every firing of a rule leaves one, also of a rule in mode signal"),
    call(O::Account, "age", &[], DURATION, M::AgeTime, "开户至今的时间；未知时缺值", "time since the account was opened; missing when unknown"),
    call(O::Account, "on_opening_device", &[], BOOL, M::OnOpeningDevice, "本笔设备是否为开户设备（仅 payer）；任一未知时缺值", "whether the payment's device is the one the account was opened on (payer only); missing when either is not known"),
    call(O::Account, "opening_km", &[Arg::Km], INT, M::OpeningKm, "距开户地点的公里数（两次定位误差均小于该公里数，仅 payer）；无则缺值", "kilometres from where the account was opened, both located to less than so many kilometres (payer only); missing when either is not"),
    call(O::Account, "listed", &[Arg::ListCategory, Arg::ListLevel], BOOL, M::Listed, "账户或其客户在名单上且有效", "whether the account or its customer is on a list, valid now"),
    call(O::Account, "controlled", &[Arg::Control], BOOL, M::Controlled, "账户上有此控制且在有效期", "whether a control of this kind is in force"),

    call(O::Account, "travel_km", &[Arg::Km], INT, M::TravelKm, "与上一笔已定位付款的距离（公里，两次定位误差均小于该公里数，仅 payer）；无则缺值", "kilometres from the payer's newest earlier payment, both located to less than so many kilometres (payer only); missing when either is not"),
    call(O::Account, "travel_speed", &[Arg::Km], INT, M::TravelSpeed, "上述两次定位之间的速度（公里/小时，仅 payer）；无则缺值", "kilometres an hour between the two (payer only); missing when either is not located"),
    call(O::Account, "moved_km", &[Arg::Window, Arg::Km], INT, M::MovedKm, "与窗口以前最近一天首个定位的距离（公里，两次定位误差均小于该公里数，仅 payer）；无则缺值", "kilometres from the first place of the newest day before the window, both located to less than so many kilometres (payer only); missing when either is not"),
    call(O::Account, "cash_terminals", &[Arg::Window], INT, M::CashTerminals, "窗口内取现所用的不同终端数，含本笔（仅 payer）", "distinct terminals of cash withdrawals in the window, this one included (payer only)"),
    call(O::Account, "terminals", &[Arg::Window], INT, M::Terminals, "窗口内付款所用的不同终端数，各渠道、含本笔（仅 payer；至多记 32 笔）", "distinct terminals of payments in the window, whatever the channel, this one included (payer only; 32 payments at most)"),
    call(O::Account, "seen_at_home", &[Arg::Window], BOOL, M::SeenAtHome, "窗口内付款人设备最近一次所在国家是否为本国（仅 payer）；未知时缺值", "whether the payer's device was last seen in the policy's country in the window (payer only); missing when not known"),
    call(O::Account, "debit_weeks", &[], INT, M::HistoryWeeks(Debit), "最近八周同一星期几、同一小时内有转出的周数，不含本笔", "on how many of the same weekdays of the last eight weeks money went out in this hour of the day"),
    call(O::Account, "credit_weeks", &[], INT, M::HistoryWeeks(Credit), "最近八周同一星期几、同一小时内有转入的周数，不含本笔", "on how many of the same weekdays of the last eight weeks money came in in this hour of the day"),
    call(O::Account, "debit_rhythm", &[Arg::Weeks], INT, M::Rhythm(Debit), "自本周往前数（本周不计）连续若干个「n 周」内每段都有付给本笔对手的款项：段数（至多回看 24 周）", "unbroken stretches of n weeks, counted back from the present one and without it, in each of which the account paid the payment's other side (24 weeks at most)"),
    call(O::Account, "credit_rhythm", &[Arg::Weeks], INT, M::Rhythm(Credit), "同上，本笔对手付来的款项：是否按周、按月固定到账", "the same of what the payment's other side paid the account: money that comes every week or month"),
    call(O::Account, "since", &[Arg::AccountEvent], DURATION, M::Since, "距最近一次此类账户事件的时间；未发生过时缺值", "time since the newest account event of this kind; missing when none is known"),
    call(O::Account, "since_verdict", &[Arg::Verdict], DURATION, M::SinceVerdict, "距最近一次此类反馈结论的时间；无则缺值", "time since the bank last found this out; missing when it never did"),
    call(O::Account, "limit_raised", &[Arg::Window], MONEY, M::LimitRaised, "窗口内最近一次提额后的限额；未提额或其他币种时缺值", "the payment limit after the newest raise in the window; missing when there is none, or in another currency"),
    call(O::Account, "registered_as", &[Arg::RegistryStatus], BOOL, M::Registered, "账户所属企业在登记机关为此状态；无登记信息时缺值", "whether the account's enterprise stands in the register like this; missing when nothing is known of it"),
    call(O::Account, "registry_fresh", &[], BOOL, M::RegistryFresh, "企业登记信息是否在 24 小时内更新；无登记信息时缺值", "whether the register was asked within 24 hours; missing when nothing is known"),
    call(O::Account, "blocked", &[Arg::Window], MONEY, M::Blocked, "窗口内最近一笔被拦截或延迟的付款金额（仅 payer）；无则缺值", "amount of the newest payment that was blocked or delayed in the window (payer only); missing when there is none"),
    call(O::Account, "retried_sum", &[Arg::Window], MONEY, M::RetriedSum, "被拦截后向其他新收款人付款合计（仅 payer）；无拦截时缺值", "sum paid since that block to other payees not met before it (payer only); missing when there is none"),
    call(O::Account, "retried_count", &[Arg::Window], INT, M::RetriedCount, "上述付款笔数（仅 payer）；无拦截时缺值", "number of those payments (payer only); missing when there is no block"),

    call(O::Customer, "debits", &[Arg::Window], Gives::Record(O::Entries), M::Entries(Debit), "客户名下全部账户的转出", "money out of all accounts of the customer"),
    call(O::Customer, "credits", &[Arg::Window], Gives::Record(O::Entries), M::Entries(Credit), "客户名下全部账户的转入", "money into all accounts of the customer"),
    call(O::Customer, "flow", &[Arg::Window], Gives::Record(O::Flow), M::Flow, "客户名下全部账户的转入与转出", "money in and out of all accounts of the customer"),

    call(O::Customer, "listed", &[Arg::ListCategory, Arg::ListLevel], BOOL, M::Listed, "客户在名单上且有效", "whether the customer is on a list, valid now"),
    call(O::Customer, "openings", &[Arg::Window], INT, M::Openings, "窗口内新开账户数，含本次；换卡、社保卡、医保卡不计", "distinct accounts opened in the window, this one included; replacements, social security and medical cards left out"),
    call(O::Customer, "openings_total", &[], INT, M::OpeningsTotal, "已知的累计开户数（至多记 64 次），同上不计", "distinct accounts opened as far as known (at most 64), the same left out"),

    call(O::Device, "openings", &[Arg::Window], INT, M::Openings, "窗口内在该设备上新开账户数，同上不计", "distinct accounts opened on the device in the window, the same left out"),
    call(O::Device, "opened_for", &[Arg::Window], INT, M::OpenedFor, "上述账户的不同客户数", "distinct customers of those accounts"),
    call(O::Phone, "openings", &[Arg::Window], INT, M::Openings, "窗口内以该手机号新开账户数，同上不计", "distinct accounts opened with the telephone in the window, the same left out"),
    call(O::Phone, "opened_for", &[Arg::Window], INT, M::OpenedFor, "上述账户的不同客户数", "distinct customers of those accounts"),
    call(O::Phone, "customers", &[], INT, M::PhoneCustomers, "该手机号曾绑定的不同客户数（至多记 64 个）", "distinct customers the telephone was ever bound to (at most 64)"),
    call(O::Phone, "listed", &[Arg::ListCategory, Arg::ListLevel], BOOL, M::Listed, "手机号在名单上且有效", "whether the telephone is on a list, valid now"),
    call(O::Agent, "openings", &[Arg::Window], INT, M::Openings, "窗口内由该代办人新开账户数，同上不计", "distinct accounts opened by the agent in the window, the same left out"),
    call(O::Agent, "opened_for", &[Arg::Window], INT, M::OpenedFor, "上述账户的不同客户数", "distinct customers of those accounts"),

    call(O::Device, "uses", &[Arg::Window], Gives::Record(O::Uses), M::Entries(Debit), "窗口内由该设备发起的支付", "payments ordered on the device in the window"),
    call(O::Device, "is_new", &[Arg::Window], BOOL, M::NewUser, "本次使用者是否在窗口内首次使用该设备，含本次", "whether the present user first used the device in the window, this use included"),
    call(O::Device, "listed", &[Arg::ListCategory, Arg::ListLevel], BOOL, M::Listed, "设备在名单上且有效", "whether the device is on a list, valid now"),

    call(O::Network, "uses", &[Arg::Window], Gives::Record(O::Traffic), M::Entries(Debit), "窗口内由该网络（无线网络，否则 IP 地址）发起的支付", "payments ordered from the network in the window: the wireless network where the record names one, else the internet address"),
    call(O::Network, "listed", &[Arg::ListCategory, Arg::ListLevel], BOOL, M::Listed, "网络在名单上且有效（名单对象类型 ip）", "whether the network is on a list, valid now (a list's subject of kind ip)"),

    call(O::Pair, "count", &[Arg::Days(limits::PAIR_DAYS)], INT, M::PairCount, "此付款人给此收款人的既往笔数，不含本笔", "earlier payments of this payer to this payee, this one not counted"),
    call(O::Pair, "allowed", &[Arg::PairLevel], BOOL, M::PairAllowed, "名单允许双方往来：家庭成员、分析员放行、合格供应商；付款人未维护供应商名单时 supplier 缺值", "whether a list allows the two to each other: household, analyst, supplier; of suppliers missing when the payer keeps none"),
    call(O::Pair, "verified", &[Arg::Window], BOOL, M::PairVerified, "窗口内客户已确认向该收款人付款属实", "whether the customer confirmed payments to this payee in the window"),
    call(O::Pair, "age_days", &[], INT, M::PairAge, "首次付给此收款人距今天数；从未付过时缺值", "days since this payer first paid this payee; missing when never"),

    call(O::Entries, "without", &[Arg::Flags], Gives::Record(O::Entries), M::Without, "剔除带有标志的分录", "leaves out entries with one of the flags"),
    call(O::Entries, "only", &[Arg::Flags], Gives::Record(O::Entries), M::Only, "仅保留带有标志之一的分录", "keeps entries with one of the flags"),
    call(O::Entries, "of_type", &[Arg::Types], Gives::Record(O::Entries), M::OfType, "仅保留这些支付类型", "keeps entries of these payment types"),
    call(O::Entries, "by_channel", &[Arg::Channels], Gives::Record(O::Entries), M::ByChannel, "仅保留这些渠道", "keeps entries ordered by these channels"),
    call(O::Entries, "at_least", &[Arg::Amount], Gives::Record(O::Entries), M::AtLeast, "仅保留不小于此金额的分录", "keeps amounts of at least this"),
    call(O::Entries, "at_most", &[Arg::Amount], Gives::Record(O::Entries), M::AtMost, "仅保留不大于此金额的分录", "keeps amounts of at most this"),
    call(O::Entries, "below", &[Arg::Amount], Gives::Record(O::Entries), M::Below, "仅保留小于此金额的分录", "keeps amounts below this"),
    call(O::Entries, "multiple_of", &[Arg::Step], Gives::Record(O::Entries), M::MultipleOf, "仅保留此金额的整数倍", "keeps multiples of this amount"),
    call(O::Entries, "near", &[Arg::Share], Gives::Record(O::Entries), M::Near, "仅保留与本笔金额相差不超过此比例的分录；本笔为其他币种时缺值", "keeps amounts within this share of the present payment's; missing when that is in another currency"),
    call(O::Entries, "between", &[Arg::Clock, Arg::Clock], Gives::Record(O::Entries), M::Between, "仅保留当地时间在此区间内的分录（含起点，不含终点，可跨午夜）", "keeps entries at these hours of the local day, start included, end not; may pass midnight"),
    call(O::Entries, "same_party", &[], Gives::Record(O::Entries), M::SameParty, "仅保留与本笔对手相同的分录", "keeps entries with the other side of the present payment"),
    call(O::Entries, "strangers", &[], Gives::Record(O::Entries), M::Strangers, "仅保留窗口内首次往来的对手（窗口前收付均无记录，记忆 180 天）", "keeps entries whose counterparty was first met in the window: no entry of either direction before it, in 180 days"),
    call(O::Entries, "count", &[], INT, M::Count, "笔数", "number"),
    call(O::Entries, "sum", &[], MONEY, M::Sum, "合计", "sum"),
    call(O::Entries, "max", &[], MONEY, M::Max, "最大一笔；无分录时缺值", "largest; missing when there is none"),
    call(O::Entries, "min", &[], MONEY, M::Min, "最小一笔；无分录时缺值", "smallest; missing when there is none"),
    call(O::Entries, "counterparties", &[], INT, M::Counterparties, "不同对手账户数", "distinct accounts on the other side"),
    call(O::Entries, "new_share", &[], DOUBLE, M::NewShare, "窗口内首次往来的对手所占比例；无对手时缺值", "share of the counterparties first met in the window, see strangers(); missing when there is none"),
    call(O::Entries, "top_share", &[Arg::Rank], DOUBLE, M::TopShare, "最大 k 个对手占合计的比例；合计为零时缺值", "share of the k biggest counterparties in the sum; missing when the sum is zero"),
    call(O::Entries, "value_share", &[Arg::Rank], DOUBLE, M::ValueShare, "最常见的 k 个金额所占笔数比例；无分录时缺值", "share, by number, of the k commonest amounts; missing when there is none"),
    call(O::Entries, "average", &[], MONEY, M::Average, "平均金额，向下取整；无分录时缺值", "mean amount, rounded down; missing when there is none"),
    call(O::Entries, "deviation", &[], MONEY, M::Deviation, "金额标准差，向下取整；无分录时缺值", "standard deviation of amounts, rounded down; missing when there is none"),
    call(O::Entries, "climb", &[Arg::Factor], INT, M::Climb, "以最新一笔结尾、每笔至少为前一笔 factor 倍的连续笔数", "length of the run that ends with the newest entry, each at least factor times the one before"),
    call(O::Entries, "climb_from", &[Arg::Factor], MONEY, M::ClimbFrom, "该连续序列的首笔金额；无分录时缺值", "first amount of that run; missing when there is none"),
    call(O::Entries, "since_first", &[], DURATION, M::SinceFirst, "距最早一笔的时间，不含本笔；无则缺值", "time since the oldest entry, the present payment left out; missing when there is none"),
    call(O::Entries, "since_last", &[], DURATION, M::SinceLast, "距最近一笔的时间，不含本笔；无则缺值", "time since the newest entry, the present payment left out; missing when there is none"),

    call(O::Entries, "followed_by", &[Arg::Entries, Arg::Window], INT, M::FollowedBy, "其后（严格晚于）该时间内出现另一类分录的笔数：先 A 后 B", "number of these that one of the other entries follows, later and within the time: A, then B"),
    call(O::Entries, "not_followed_by", &[Arg::Entries, Arg::Window], INT, M::NotFollowedBy, "已满该时间而其间未出现另一类分录的笔数：有 A 无 B；时间一到即再判一次，无需该账户再有动作", "number of these that are so old and that none of the other entries followed within the time: A, and no B; judged once more when the time has passed, whatever the account does"),

    call(O::Flow, "without", &[Arg::Flags], Gives::Record(O::Flow), M::Without, "剔除带有标志的分录", "leaves out entries with one of the flags"),
    call(O::Flow, "only", &[Arg::Flags], Gives::Record(O::Flow), M::Only, "仅保留带有标志之一的分录", "keeps entries with one of the flags"),
    call(O::Flow, "of_type", &[Arg::Types], Gives::Record(O::Flow), M::OfType, "仅保留这些支付类型", "keeps entries of these payment types"),
    call(O::Flow, "by_channel", &[Arg::Channels], Gives::Record(O::Flow), M::ByChannel, "仅保留这些渠道", "keeps entries ordered by these channels"),
    call(O::Flow, "at_least", &[Arg::Amount], Gives::Record(O::Flow), M::AtLeast, "仅保留不小于此金额的分录", "keeps amounts of at least this"),
    call(O::Flow, "at_most", &[Arg::Amount], Gives::Record(O::Flow), M::AtMost, "仅保留不大于此金额的分录", "keeps amounts of at most this"),
    call(O::Flow, "below", &[Arg::Amount], Gives::Record(O::Flow), M::Below, "仅保留小于此金额的分录", "keeps amounts below this"),
    call(O::Flow, "multiple_of", &[Arg::Step], Gives::Record(O::Flow), M::MultipleOf, "仅保留此金额的整数倍", "keeps multiples of this amount"),
    call(O::Flow, "near", &[Arg::Share], Gives::Record(O::Flow), M::Near, "仅保留与本笔金额相差不超过此比例的分录；本笔为其他币种时缺值", "keeps amounts within this share of the present payment's; missing when that is in another currency"),
    call(O::Flow, "between", &[Arg::Clock, Arg::Clock], Gives::Record(O::Flow), M::Between, "仅保留当地时间在此区间内的分录（含起点，不含终点，可跨午夜）", "keeps entries at these hours of the local day, start included, end not; may pass midnight"),
    call(O::Flow, "same_party", &[], Gives::Record(O::Flow), M::SameParty, "仅保留与本笔对手相同的分录", "keeps entries with the other side of the present payment"),
    call(O::Flow, "strangers", &[], Gives::Record(O::Flow), M::Strangers, "仅保留窗口内首次往来的对手（窗口前收付均无记录，记忆 180 天）", "keeps entries whose counterparty was first met in the window: no entry of either direction before it, in 180 days"),
    call(O::Flow, "new_share", &[], DOUBLE, M::NewShare, "窗口内首次往来的对手所占比例；无对手时缺值", "share of the counterparties first met in the window, see strangers(); missing when there is none"),
    call(O::Flow, "count", &[], INT, M::Count, "笔数", "number, in and out"),
    call(O::Flow, "counterparties", &[], INT, M::Counterparties, "不同对手账户数（收付合计）", "distinct accounts on the other side, in or out"),
    call(O::Flow, "ratio", &[], DOUBLE, M::Ratio, "转出合计 / 转入合计；无转入时缺值", "sum out over sum in; missing when nothing came in"),
    call(O::Flow, "dwell", &[], DURATION, M::Dwell, "资金停留时间的加权中位数（先进先出）；无匹配时缺值", "amount-weighted median stay of money that came and left, first in first out; missing when none did"),
    call(O::Flow, "cycles", &[Arg::Amount, Arg::Amount, Arg::Share], INT, M::Cycles, "转入至少 min 后转到余下不超过 max(floor, share×转入) 的次数", "how often at least `min` came in and all but max(floor, share × in) left: cycles(min, floor, share)"),

    call(O::Uses, "count", &[], INT, M::Count, "笔数", "number of payments"),
    call(O::Uses, "customers", &[], INT, M::Counterparties, "不同客户数", "distinct customers"),

    call(O::Traffic, "at_least", &[Arg::Amount], Gives::Record(O::Traffic), M::AtLeast, "仅保留不小于此金额的支付", "keeps amounts of at least this"),
    call(O::Traffic, "count", &[], INT, M::Count, "笔数", "number of payments"),
    call(O::Traffic, "sum", &[], MONEY, M::Sum, "合计", "sum"),
    call(O::Traffic, "accounts", &[], INT, M::Counterparties, "不同付款账户数", "distinct paying accounts"),

    call(O::Signals, "count", &[], INT, M::SignalCount, "信号数", "their number"),
    call(O::Signals, "accounts", &[], INT, M::SignalAccounts, "信号来自的不同账户数", "distinct accounts that they came from: each rule's subject"),
    call(O::Signals, "peers", &[], INT, M::SignalPeers, "来自相同账户的信号所针对的不同账户数，含本账户", "distinct accounts that signals of this rule from the same accounts are about, this one included"),
    call(O::Signals, "peers_with", &[Arg::Rule], INT, M::SignalPeersWith, "上述账户中另有某规则信号的账户数", "those of them that a signal of another rule is about in the window"),

    call(O::History, "debit_count", &[], INT, M::HistoryCount(Debit), "转出笔数", "debits"),
    call(O::History, "debit_sum", &[], MONEY, M::HistorySum(Debit), "转出合计", "sum of debits"),
    call(O::History, "credit_count", &[], INT, M::HistoryCount(Credit), "转入笔数", "credits"),
    call(O::History, "credit_sum", &[], MONEY, M::HistorySum(Credit), "转入合计", "sum of credits"),
    call(O::History, "night_share", &[], DOUBLE, M::HistoryNightShare, "今日以前 00:00–05:00 转出笔数占比；无转出时缺值", "share, by number, of debits between 00:00 and 05:00 on the days before today; missing when there is none"),
    call(O::History, "new_payers", &[], INT, M::HistoryNewPayers, "期间内开始往来的付款人数，含本笔", "payers whose relation began in these days, the present one included"),
    call(O::History, "credit_day_median", &[], MONEY, M::HistoryDayMedian, "今日以前有转入的各日转入合计的中位数（偏小者）；无则缺值", "lower median of the daily sums of credits, over the days before today that have one; missing when there is none"),
    call(O::History, "credit_average", &[], MONEY, M::HistoryTicket, "今日以前平均每笔转入，向下取整；无则缺值", "mean credit on the days before today, rounded down; missing when there is none"),
    call(O::History, "debit_quantile", &[Arg::Share], MONEY, M::HistoryQuantile, "转出金额分位数（对数桶上沿）；无转出时缺值", "quantile of debits, upper edge of its bucket (buckets are 1/8 of a power of two); missing when there is none"),
    ]
};

fn balance_after(side: Role) -> Option<PaymentField> {
    Some(PaymentField::BalanceAfter(side))
}

fn available_after(side: Role) -> Option<PaymentField> {
    Some(PaymentField::AvailableAfter(side))
}

fn payer_age(side: Role) -> Option<PaymentField> {
    (side == Role::Payer).then_some(PaymentField::PayerAgeYears)
}

fn income(side: Role) -> Option<PaymentField> {
    Some(PaymentField::IncomeMonthly(side))
}

const fn field(
    owner: Owner,
    name: &'static str,
    gives: Gives,
    makes: Makes,
    zh: &'static str,
    en: &'static str,
) -> Member {
    Member { owner, name, args: None, gives, makes, zh, en }
}

const fn call(
    owner: Owner,
    name: &'static str,
    args: &'static [Arg],
    gives: Gives,
    makes: Makes,
    zh: &'static str,
    en: &'static str,
) -> Member {
    Member { owner, name, args: Some(args), gives, makes, zh, en }
}

const BOOL: Gives = Gives::Value(Type::Bool);
const INT: Gives = Gives::Value(Type::Int);
const MONEY: Gives = Gives::Value(Type::Money);
const DOUBLE: Gives = Gives::Value(Type::Double);
const DURATION: Gives = Gives::Value(Type::Duration);
const DAYS: Arg = Arg::Days(limits::HISTORY_DAYS);
