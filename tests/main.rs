//! The one integration-test binary. Each module says what belongs in it.

mod absence; // rules about what did not happen, judged when its time has passed
mod amlsim; // the whole program over labelled transfers, where they lie beside the checkout
mod backtest; // judging packs: figures, comparisons, sweeps, the page
mod bad_rules; // what the rule compiler says about wrong files
mod browser; // the report page in a real browser, where there is one
mod cel; // our plan against another implementation of CEL, and the compiler's properties
mod commands; // the commands' manners: exit codes, full disks, interrupts, help
mod decode; // records to events and back: a plain decoder, JSON of events, the published schemas
mod deploy; // deployment files: metrics they name, promtool, loopback ports
mod edges; // the edges of the engine's semantics, as tables
mod encode;
mod formats; // every table as JSON and CSV, and quiet
mod generate; // the generator: determinism, order, labels, patterns past their thresholds
mod grades; // values for single grades: whose grade counts
mod http; // the HTTP surface and the metrics behind it, by real sockets and promtool
mod kafka; // the built program against a real broker: delivery, take-over, fencing, recovery
mod labels; // what a run says of planted fraud, from labels in the source and in a file
mod lint; // what `rules lint` remarks on, one pack each
mod oracle; // the engine against a naive reference and against itself, on seeded random streams
mod overlays; // an institution's changes to the pack, and what is wrong with them
#[cfg(feature = "parquet")]
mod parquet; // Parquet against CSV: the same alerts, and errors by row and column
mod peers; // two rules that other systems were given, against a plain program
mod pipeline; // the threads of `run` when one of them dies
mod privacy; // what a masked alert must not show
mod replay; // alerts made again from what `demo` left behind
mod rubbish; // what is no rule at all: binary files, endless nesting, the same id twice
mod rules_tools; // the tools for authors, as commands
mod secrets; // secrets planted everywhere, and nothing that tells them
mod simulation; // the protocol against a model of Kafka: deaths at every call, zombies, lost answers
mod snapshot; // sets of parts in stores that lose power or bits, and files of versions past
mod tidy; // style: headers, layers, purity, leftovers, dead links
mod walk; // the analyst's walk: what the page says is what happens
