//! The list, by what is attacked.

mod api;
mod parsers;
mod sandbox;
mod secrets;
mod supply;
mod workers;

use crate::row::Row;

/// Every attack of the threat model.
pub const ROWS: [Row; 63] = {
    let mut rows = [secrets::SECRETS[0]; 63];
    let all = [secrets::SECRETS, sandbox::SANDBOX, parsers::PARSERS, api::API, workers::WORKERS, supply::SUPPLY];
    let (mut part, mut at) = (0, 0);
    while part < all.len() {
        let mut index = 0;
        while index < all[part].len() {
            rows[at] = all[part][index];
            index += 1;
            at += 1;
        }
        part += 1;
    }
    assert!(at == rows.len(), "every row is in the list");
    rows
};
