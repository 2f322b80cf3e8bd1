//! `goshawk completions SHELL`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure, printer::Printer};

/// Arguments of `completions`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  goshawk completions bash > ~/.local/share/bash-completion/completions/goshawk
  goshawk completions zsh > ~/.zfunc/_goshawk
  goshawk completions fish > ~/.config/fish/completions/goshawk.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args, printer: &Printer) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "goshawk", &mut script);
    printer.data(String::from_utf8(script)?.trim_end());
    Ok(())
}
