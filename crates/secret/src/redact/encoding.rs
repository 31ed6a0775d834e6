//! In which form a secret was found.

/// In which form a secret was found. In this order: a form that comes earlier gives its name to what several forms share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// As it is.
    Raw,
    /// A line of it, or a text inside it when it is JSON.
    Part,
    /// The standard alphabet, at any of the three alignments; wrapped lines of it, too.
    Base64,
    /// The alphabet for URLs.
    Base64Url,
    /// Hexadecimal digits `0-9a-f`.
    HexLower,
    /// Hexadecimal digits `0-9A-F`.
    HexUpper,
    /// `%20`, in the variants of browsers, Python and forms.
    Percent,
    /// `\"`, `\n` and `\u00e9`, as in JSON; also JSON within JSON.
    Json,
    /// As shells quote it, in `set -x` and by `printf %q`.
    Shell,
    /// `&amp;`, as in XML and HTML.
    Xml,
    /// As programs show a text to programmers: Rust, Go, Python.
    Debug,
    /// Bytes as decimal numbers.
    Decimal,
}

impl Encoding {
    /// Its name, as it is stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Part => "part",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::HexLower => "hex",
            Self::HexUpper => "HEX",
            Self::Percent => "percent",
            Self::Json => "json",
            Self::Shell => "shell",
            Self::Xml => "xml",
            Self::Debug => "debug",
            Self::Decimal => "decimal",
        }
    }
}
