use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where environment variables come from, so that tests never change those of the process.
pub trait Environment {
    /// All variables, name and value.
    fn variables(&self) -> Vec<(String, String)>;

    /// The file to read when neither the command line nor `ATTUNE_CONFIG` names one.
    fn usual_file(&self) -> Option<PathBuf> {
        None
    }
}

/// The environment of this process. Its usual file is `/opt/attune/config/config.yaml`, where a container mounts it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variables(&self) -> Vec<(String, String)> {
        // Names and values that are not UTF-8 cannot be ours; a value is kept readable so that its key is named.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .collect()
    }

    fn usual_file(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/opt/attune/config/config.yaml")).filter(|path| path.is_file())
    }
}

impl Environment for BTreeMap<String, String> {
    fn variables(&self) -> Vec<(String, String)> {
        self.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl Environment for &[(&str, &str)] {
    fn variables(&self) -> Vec<(String, String)> {
        self.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

impl<const N: usize> Environment for [(&str, &str); N] {
    fn variables(&self) -> Vec<(String, String)> {
        self.as_slice().variables()
    }
}
