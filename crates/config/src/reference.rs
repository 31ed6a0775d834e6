use crate::key::Key;
use crate::keys::KEYS;

/// The reference page, in Markdown: one table per section, made from [`KEYS`].
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    let mut section = "";
    for key in KEYS {
        let this = key.path.split('.').next().unwrap_or(key.path);
        if this != section {
            section = this;
            page.push_str(&format!("\n## {section}\n\n| key | kind | default | meaning |\n|---|---|---|---|\n"));
        }
        let default = key.default.map_or("not set".to_owned(), |text| {
            if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") }
        });
        page.push_str(&format!(
            "| `{}`<br>{} | {} | {default} | {} |\n",
            key.path,
            environment_names(key),
            key.kind.name(),
            key.doc
        ));
    }
    page
}

fn environment_names(key: &Key) -> String {
    let file = key.is_credential().then(|| format!("`{}_FILE`", key.environment_name()));
    key.paths()
        .map(|path| format!("`{}`", Key::environment_name_of(path)))
        .chain(file)
        .chain(key.short_names.iter().map(|name| format!("`{name}`")))
        .collect::<Vec<_>>()
        .join("<br>")
}

const INTRODUCTION: &str = "\
# Configuration

This page is generated from the table of keys in `crates/config/src/keys.rs`.

Later layers win: defaults, then the file, then the environment, then the command line. The file is the one that
`--config` names, else `ATTUNE_CONFIG`, else `/opt/attune/config/config.yaml` when it is there. `--print-config` shows
every value and where it came from, with secrets masked.

* **Durations** are a number of seconds, or like `250ms`, `5s`, `2m`, `1h`. **Sizes** are a number of bytes, or like
  `64KiB`, `10MiB`. **Lists** are YAML lists; in the environment, `a,b`. **Names and values** are a YAML mapping; in
  the environment, `a=1,b=2`.
* For a credential, the name with `_FILE` behind it names a file that holds the value; its last line break is dropped.
* A long environment name wins over a short one. An empty variable counts as absent.
* An unknown key, in the file or as `ATTUNE__...`, is an error. So is text that YAML reads as a number where text is
  wanted (a password like `0123`): write it in quotes.
* Neither `database.url` nor `message_queue.url` set means embedded: one process, SQLite and an in-process queue.
";
