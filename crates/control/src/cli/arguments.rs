//! The command line of `attune-server`.

use std::path::PathBuf;

use clap::Parser;

/// API, scheduler, relay and reaper of an Attune deployment; any number of replicas may run
#[derive(Debug, Parser)]
#[command(
    name = "attune-server",
    version,
    after_help = "Every key of the configuration can be set by ATTUNE__SECTION__KEY.\n\nExit codes: 0 stopped as asked, \
        64 bad command line or configuration, 69 database, broker or address not available, 70 supervisor gave up, \
        75 did not stop in time, 130 interrupted twice"
)]
pub(crate) struct Arguments {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Print the configuration with the origin of every value, and exit
    #[arg(long)]
    pub(crate) print_config: bool,

    /// Address to listen on [server.host]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,

    /// Port to listen on; 0 takes a free one [server.port]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Leave the database schema as it is
    #[arg(long)]
    pub(crate) skip_migrations: bool,

    /// Bring the database schema up to date, and exit
    #[arg(long, conflicts_with = "skip_migrations")]
    pub(crate) migrate_only: bool,

    /// Say whether the server that runs here with the same configuration is ready; exit code 0 or 69
    #[arg(long)]
    pub(crate) health: bool,
}

impl Arguments {
    /// What the command line sets in the configuration.
    pub(crate) fn overrides(&self) -> Vec<(String, String)> {
        let host = self.host.iter().map(|host| ("server.host".to_owned(), host.clone()));
        let port = self.port.iter().map(|port| ("server.port".to_owned(), port.to_string()));
        host.chain(port).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let arguments = Arguments::try_parse_from(["attune-server", "--host", "::1", "--port", "0"]).expect("valid");
        let expected = [("server.host", "::1"), ("server.port", "0")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(arguments.overrides(), expected);
    }
}
