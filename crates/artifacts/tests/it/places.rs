//! The same promises of a directory and of a bucket.

use std::fs::{self, File};
use std::io::{Read, Write};

use attune_artifacts::{LocalPlace, Place, PlaceError, S3Options, S3Place};
use attune_testkit::s3::TestBucket;
use attune_types::{AttemptNumber, ExecutionId};

const SHA_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("written");
    file
}

fn read(place: &Place, location: &str) -> Vec<u8> {
    let mut content = place.open(location).expect("opens");
    let mut bytes = Vec::new();
    content.reader.read_to_end(&mut bytes).expect("reads");
    assert!(content.size_bytes.is_none_or(|size| size == bytes.len() as u64));
    bytes
}

/// What every place promises.
fn keeps_its_promises(place: &Place) {
    let put = |execution, name: &str, content: &[u8]| {
        place.put(ExecutionId(execution), AttemptNumber(1), name, &mut file(content)).expect("stored")
    };
    let hello = put(7, "a/b \u{e4}?&.txt", b"hello");
    assert_eq!((hello.size_bytes, hello.sha256.as_str()), (5, SHA_OF_HELLO));
    assert_eq!(read(place, &hello.location), b"hello");
    let empty = put(7, "empty", b"");
    assert_eq!((empty.size_bytes, read(place, &empty.location)), (0, Vec::new()));
    let large: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    let stored = put(8, "large", &large);
    assert!(read(place, &stored.location) == large);
    let again = put(7, "a/b \u{e4}?&.txt", b"other");
    assert_eq!(again.location, hello.location, "the same name is the same place");
    assert_eq!(read(place, &hello.location), b"other");

    place.remove(&hello.location).expect("removed");
    place.remove(&hello.location).expect("gone is gone");
    assert!(matches!(place.open(&hello.location), Err(PlaceError::Missing { .. })));
    for foreign in ["file:../../etc/passwd", "/etc/passwd", "s3://other/x", "file:7/1/x", "file:7/1/../1", ""] {
        assert!(matches!(place.open(foreign), Err(PlaceError::Foreign { .. })), "{foreign}");
        assert!(matches!(place.remove(foreign), Err(PlaceError::Foreign { .. })), "{foreign}");
    }
    place.remove(&empty.location).expect("removed");
    place.remove(&stored.location).expect("removed");
}

#[test]
fn a_directory_keeps_what_it_is_given_and_ends_empty() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("artifacts");
    keeps_its_promises(&Place::Local(LocalPlace::new(&root)));
    let left: Vec<_> = fs::read_dir(&root).expect("readable").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(left, ["incoming"], "directories go with their last file");
    assert_eq!(fs::read_dir(root.join("incoming")).expect("readable").count(), 0);
}

#[test]
fn nothing_half_is_visible_in_a_directory_that_cannot_be_written() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("7"), "in the way").expect("written");
    let place = Place::Local(LocalPlace::new(directory.path()));
    let refused = place.put(ExecutionId(7), AttemptNumber(1), "x", &mut file(b"hello"));
    assert!(matches!(refused, Err(PlaceError::Io { .. })));
    assert_eq!(fs::read_dir(directory.path().join("incoming")).expect("readable").count(), 0);
}

fn options(bucket: &TestBucket) -> S3Options {
    S3Options {
        endpoint: bucket.endpoint().to_owned(),
        bucket: bucket.name().to_owned(),
        region: "us-east-1".to_owned(),
        prefix: "attune/".to_owned(),
        access_key_id: TestBucket::ACCESS_KEY_ID.to_owned(),
        secret_access_key: TestBucket::SECRET_ACCESS_KEY.to_owned(),
    }
}

#[tokio::test]
async fn a_bucket_keeps_what_it_is_given() {
    let bucket = TestBucket::create().await;
    let place = Place::S3(S3Place::new(&options(&bucket)).expect("usable"));
    assert_eq!(place.shared_prefix(), format!("s3://{}/attune/", bucket.name()));
    tokio::task::spawn_blocking(move || keeps_its_promises(&place)).await.expect("no panic");
}

#[tokio::test]
async fn a_bucket_refuses_a_wrong_key_and_its_absence_is_passing() {
    let bucket = TestBucket::create().await;
    let right = options(&bucket);
    let put = |options: S3Options| async move {
        tokio::task::spawn_blocking(move || {
            let place = Place::S3(S3Place::new(&options).expect("usable"));
            place.put(ExecutionId(1), AttemptNumber(1), "x", &mut file(b"hello")).expect_err("not stored")
        })
        .await
        .expect("no panic")
    };
    let error = put(S3Options { access_key_id: "nobody".to_owned(), ..right.clone() }).await;
    assert!(matches!(&error, PlaceError::Refused { reason, .. } if reason.contains("InvalidAccessKeyId")), "{error}");
    let error = put(S3Options { bucket: "nowhere".to_owned(), ..right.clone() }).await;
    assert!(!error.is_passing() && error.to_string().contains("NoSuchBucket"), "{error}");
    let error = put(S3Options { endpoint: "http://127.0.0.1:9".to_owned(), ..right }).await;
    assert!(error.is_passing() && !error.to_string().contains("Signature="), "{error}");
}
