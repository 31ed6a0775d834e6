//! Properties of characters that a pattern may ask for.

use std::iter::Peekable;
use std::str::Chars;

/// The general categories of Unicode, by both of their names (UAX #44, table 12), and the sets that need no table.
const KNOWN: &str = "Any ASCII Assigned \
    L Letter LC Cased_Letter Lu Uppercase_Letter Ll Lowercase_Letter Lt Titlecase_Letter Lm Modifier_Letter Lo Other_Letter \
    M Mark Mn Nonspacing_Mark Mc Spacing_Mark Me Enclosing_Mark \
    N Number Nd Decimal_Number Nl Letter_Number No Other_Number \
    P Punctuation Pc Connector_Punctuation Pd Dash_Punctuation Ps Open_Punctuation Pe Close_Punctuation \
    Pi Initial_Punctuation Pf Final_Punctuation Po Other_Punctuation \
    S Symbol Sm Math_Symbol Sc Currency_Symbol Sk Modifier_Symbol So Other_Symbol \
    Z Separator Zs Space_Separator Zl Line_Separator Zp Paragraph_Separator \
    C Other Cc Control Cf Format Co Private_Use Cn Unassigned";

/// Reads what stands behind `\p` or `\P`, braces included.
///
/// Scripts and other properties are refused, in every program alike: their tables are larger than the rest of the engine, and
/// an agent goes into every container.
pub(super) fn read(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    if rest.next_if_eq(&'{').is_none() {
        return Err("\\p takes a name in braces, e.g. \\p{L}".to_owned());
    }
    let mut name = String::new();
    loop {
        match rest.next() {
            Some('}') => break,
            Some(next) => name.push(next),
            None => return Err("\\p{ is not closed".to_owned()),
        }
    }
    let category = name.strip_prefix("General_Category=").or_else(|| name.strip_prefix("gc=")).unwrap_or(&name);
    if KNOWN.split_ascii_whitespace().any(|known| known == category) {
        return Ok(format!("{{{category}}}"));
    }
    Err(format!("\\p{{{name}}} is not known; general categories are, e.g. \\p{{Lu}}"))
}
