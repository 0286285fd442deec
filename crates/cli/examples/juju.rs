//! The command line alone, without a controller in it: what recordings are played to.

fn main() {
    std::process::exit(cli::main(std::env::args().collect(), cli::Injected::default()));
}
