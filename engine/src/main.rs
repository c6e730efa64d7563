//! The `beewolf` program: a thin shell around the library.

fn main() -> std::process::ExitCode {
    beewolf::cli::main()
}
