//! Where secrets are: on a server, or in the data of `attune dev`.

use std::path::Path;
use std::sync::Arc;

use attune_control::{Rotation, RotationStep, Vault, VaultError};
use attune_secret::{Owner, SecretId};
use attune_store::{OpenOptions, Store, StoredSecret};
use tokio::runtime::Runtime;

use crate::arguments::Global;
use crate::backend::{Client, SecretView, load_config};
use crate::dev;
use crate::error::CliError;
use crate::session;

/// Where secrets are.
pub(super) enum Place {
    /// On a server.
    Server(Client),
    /// In a database of this machine, which nobody serves now.
    Here {
        /// The database.
        store: Arc<dyn Store>,
        /// Its keys.
        vault: Vault,
        /// What its connections live on.
        runtime: Runtime,
    },
}

impl Place {
    /// Finds it, and does something there.
    pub(super) fn with<Answer>(
        global: &Global,
        directory: &Path,
        act: impl FnOnce(&Self) -> Result<Answer, CliError>,
    ) -> Result<Answer, CliError> {
        if let Some(client) = Client::found(global, directory)? {
            return act(&Self::Server(client));
        }
        let config = load_config(global)?;
        if !config.is_embedded() {
            return Err(CliError::Unavailable {
                what: "an Attune server".into(),
                hint: "set ATTUNE_API_URL (and ATTUNE_API_TOKEN): secrets of a deployment are kept by its server"
                    .into(),
                source: "a shared database is configured, and ATTUNE_API_URL is not set".into(),
            });
        }
        dev::make_directory(directory)?;
        let vault = dev::vault(directory, &config)?;
        let url = format!("sqlite:{}", directory.join("attune.db").display());
        let opening = async {
            let store = attune_store::open(&url, OpenOptions::default()).await?;
            store.migrate().await?;
            Ok::<_, attune_store::StoreError>(store)
        };
        let runtime = session::runtime();
        let store = runtime.block_on(opening).map_err(|source| CliError::Unavailable {
            what: "the database".into(),
            hint: "look at the directory's permissions and free space, or name another one: --dir DIR".into(),
            source: Box::new(source),
        })?;
        let place = Self::Here { store, vault, runtime };
        let answer = act(&place);
        if let Self::Here { store, runtime, .. } = &place {
            runtime.block_on(store.close());
        }
        answer
    }

    /// Everything about all secrets but their values.
    pub(super) fn list(&self) -> Result<Vec<SecretView>, CliError> {
        match self {
            Self::Server(client) => client.secrets(),
            Self::Here { store, runtime, .. } => {
                let secrets = runtime.block_on(store.secrets().secrets()).map_err(failed("listing secrets"))?;
                Ok(secrets.iter().map(view).collect())
            }
        }
    }

    /// Stores a value.
    pub(super) fn put(&self, id: &SecretId, value: &str, unmaskable: bool) -> Result<SecretView, CliError> {
        match self {
            Self::Server(client) => client.put_secret(&id.name, owner(id).as_ref().map(borrowed), value, unmaskable),
            Self::Here { store, vault, runtime } => {
                let stored = runtime
                    .block_on(async {
                        vault.put(store.as_ref(), id, value.as_bytes()).await?;
                        Ok::<_, VaultError>(store.secrets().secret(id).await?)
                    })
                    .map_err(|error| CliError::internal("storing the secret", error))?;
                stored.as_ref().map(view).ok_or_else(|| CliError::internal("storing the secret", "it is gone again"))
            }
        }
    }

    /// Forgets a secret.
    pub(super) fn delete(&self, id: &SecretId) -> Result<(), CliError> {
        let unknown = || CliError::NotFound {
            what: "secret",
            name: id.to_string(),
            hint: "`attune key list` shows names and owners; --pack or --action names an owner".into(),
        };
        match self {
            Self::Server(client) => match client.delete_secret(&id.name, owner(id).as_ref().map(borrowed)) {
                Err(CliError::Server { status: 404, .. }) => Err(unknown()),
                answer => answer,
            },
            Self::Here { store, runtime, .. } => {
                match runtime.block_on(store.secrets().delete_secret(id)).map_err(failed("forgetting the secret"))? {
                    true => Ok(()),
                    false => Err(unknown()),
                }
            }
        }
    }

    /// One step of a rotation.
    pub(super) fn rotate(&self, after: i64, re_encrypt: bool) -> Result<RotationStep, CliError> {
        match self {
            Self::Server(client) => client.rotate_secrets(after, re_encrypt),
            Self::Here { store, vault, runtime } => runtime
                .block_on(vault.rotate(store.as_ref(), Rotation { re_encrypt }, after))
                .map_err(|error| CliError::internal("moving secrets to another key", error)),
        }
    }
}

fn failed(doing: &'static str) -> impl FnOnce(attune_store::StoreError) -> CliError {
    move |error| CliError::internal(doing, error)
}

fn owner(id: &SecretId) -> Option<(&'static str, String)> {
    (id.owner != Owner::System).then(|| (id.owner.kind(), id.owner.reference()))
}

fn borrowed<'a>((kind, reference): &'a (&'static str, String)) -> (&'static str, &'a str) {
    (kind, reference)
}

fn view(secret: &StoredSecret) -> SecretView {
    SecretView {
        name: secret.id.name.clone(),
        owner: secret.id.owner.kind().to_owned(),
        owner_ref: owner(&secret.id).map(|(_, reference)| reference),
        version: secret.version,
        key_id: secret.envelope.key_id,
        created_at: secret.created_at,
        updated_at: secret.stored_at,
    }
}
