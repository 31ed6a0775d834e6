//! A private S3 service. It knows its access key; signatures themselves are the business of the library that makes them.

mod bucket;

pub use bucket::TestBucket;
