//! The command line alone, without what the whole binary injects: small to build, for playing recordings to it.

fn main() {
    std::process::exit(cli::main(std::env::args().collect(), cli::Injected::default()));
}
