//! What is injected into which image.

/// What is injected into which image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    /// Name of the worker.
    pub(crate) name: String,
    /// The image.
    pub(crate) image: String,
    /// Volume or file with the agent.
    pub(crate) agent: String,
    /// Volume or directory with the packs.
    pub(crate) packs: String,
    /// Network on which database and broker are.
    pub(crate) network: String,
    /// User and group, `uid:gid`.
    pub(crate) user: String,
    /// Runtimes to offer; empty: all that are found.
    pub(crate) runtimes: Vec<String>,
    /// `NAME=VALUE`, or `NAME` alone.
    pub(crate) environment: Vec<String>,
}

impl Container {
    /// The first thing that cannot be used, said for people.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.len() <= 50
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !text.starts_with('-')
                && !text.ends_with('-')
        };
        if !is_name(&self.name) {
            return Err(format!(
                "{:?} is no name for a worker here: small letters, digits and dashes, at most 50",
                self.name
            ));
        }
        let is_image = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
        if self.image.is_empty() || self.image.starts_with('-') || !self.image.bytes().all(is_image) {
            return Err(format!("{:?} is no name of an image", self.image));
        }
        let numbers: Option<Vec<u32>> = self.user.split(':').map(|number| number.parse().ok()).collect();
        if numbers.is_none_or(|numbers| numbers.len() != 2) {
            return Err(format!("{:?} is no UID:GID; names of users may not exist in the image", self.user));
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let broken = self.environment.iter().find(|variable| {
            let name = variable.split('=').next().unwrap_or_default();
            name.is_empty() || !name.bytes().all(is_word)
        });
        match broken {
            Some(variable) => Err(format!("{variable:?} is no NAME or NAME=VALUE")),
            None => Ok(()),
        }
    }

    /// What the worker is told, besides where database and broker are.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let mut settings =
            vec![("ATTUNE_WORKER_NAME", self.name.clone()), ("ATTUNE_WORKER_TYPE", "container".to_owned())];
        if !self.runtimes.is_empty() {
            settings.push(("ATTUNE_WORKER_RUNTIMES", self.runtimes.join(",")));
        }
        let own = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        let given = self.environment.iter().filter_map(|variable| variable.split_once('='));
        own.chain(PATHS.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .chain(given.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect()
    }

    /// Variables that are passed on from the surroundings.
    pub(crate) fn passed_on(&self) -> impl Iterator<Item = &str> {
        self.environment.iter().map(String::as_str).filter(|variable| !variable.contains('='))
    }
}

/// Where a worker in a container keeps things; nothing else of the image is written to.
pub(crate) const PATHS: [(&str, &str); 3] = [
    ("ATTUNE__PATHS__STATE_DIR", "/opt/attune/state"),
    ("ATTUNE__PATHS__RUNTIME_ENVS_DIR", "/opt/attune/runtime_envs"),
    ("ATTUNE__PATHS__ARTIFACTS_DIR", "/opt/attune/artifacts"),
];

/// A worker's name from an image's: `registry:5000/my-org/Ruby:3.3@sha256:...` is `ruby`.
pub(crate) fn name_of(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    let bare = last.split([':', '@']).next().unwrap_or_default();
    let dashed = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = bare.chars().map(dashed).take(50).collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ruby() -> Container {
        Container {
            name: "ruby".to_owned(),
            image: "ruby:3.3".to_owned(),
            agent: "attune_agent".to_owned(),
            packs: "attune_packs".to_owned(),
            network: "attune_default".to_owned(),
            user: "1000:1000".to_owned(),
            runtimes: Vec::new(),
            environment: Vec::new(),
        }
    }

    #[test]
    fn a_worker_is_called_like_its_image() {
        let cases = [
            ("ruby:3.3", "ruby"),
            ("registry:5000/my-org/Ruby_GPU:3.3", "ruby-gpu"),
            ("nvidia/cuda@sha256:00", "cuda"),
            ("debian", "debian"),
        ];
        for (image, name) in cases {
            assert_eq!(name_of(image), name);
        }
    }

    #[test]
    fn what_could_be_read_as_something_else_is_refused() {
        assert_eq!(ruby().check(), Ok(()));
        let broken = [
            Container { name: "Ruby 1".to_owned(), ..ruby() },
            Container { name: String::new(), ..ruby() },
            Container { image: "--privileged".to_owned(), ..ruby() },
            Container { image: "ruby:3.3\n    privileged: true".to_owned(), ..ruby() },
            Container { user: "root".to_owned(), ..ruby() },
            Container { environment: vec!["=x".to_owned()], ..ruby() },
        ];
        for container in broken {
            assert!(container.check().is_err(), "{container:?}");
        }
    }
}
